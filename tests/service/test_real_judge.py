"""The real chain: lease, service, `vllm serve`, and the tiny judge that the pipeline trained."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest
from support.harness import ask

from verif.project import Stage
from verif.recipe import load_recipe
from verif.service.lease import configure, end, living, verifier
from verif.types import Item, Response

pytestmark = pytest.mark.e2e


def test_real_verdicts_and_a_judge_that_is_killed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import random

    from verif.data.world import draw, reference

    model = Path(os.environ.get("VERIF_TEST_JUDGE") or root / "models" / "judge")
    if not (model / "config.json").is_file():
        pytest.skip("no trained judge: run `dvc repro judge`, or set VERIF_TEST_JUDGE")
    monkeypatch.setenv("VERIF_IDLE_S", "5")
    shutil.copytree(model, tmp_path / "models" / "judge")
    if (root / "data" / "train.parquet").is_file():
        (tmp_path / "data").mkdir()
        shutil.copy(root / "data" / "train.parquet", tmp_path / "data")
    stage = Stage(tmp_path, load_recipe("local", root / "recipes"), tmp_path)
    rng = random.Random(5)
    instructions = [draw(rng, "train") for _ in range(40)]
    followed = [
        Item(id=f"y{n}", instruction=i, response=Response(text=reference(i, rng)))
        for n, i in enumerate(instructions)
    ]
    salad = [
        Item(id=f"n{n}", instruction=i, response=Response(text="boat the the of"))
        for n, i in enumerate(instructions)
    ]
    try:
        with verifier(stage) as endpoint:
            begun = time.monotonic()
            found = asyncio.run(ask(endpoint.url, followed + salad))
            seconds = time.monotonic() - begun
            again = asyncio.run(ask(endpoint.url, followed + salad, cache=False))
            lease = living(configure(stage).folder)
            assert lease is not None
            os.killpg(lease["judge_pid"], signal.SIGKILL)
            fresh = [
                Item(id="z", instruction=i, response=Response(text=reference(i, rng)))
                for i in instructions[:1]
            ]
            back = asyncio.run(ask(endpoint.url, fresh, patience_s=300))
        rewards = {key: answer.reward.value for key, answer in found.items()}
        print(f"80 verifications in {seconds:.1f} s")
        assert sum(rewards[one.id] == 1.0 for one in followed) >= 32
        assert sum(rewards[one.id] == 1.0 for one in salad) <= 4
        assert rewards == {key: answer.reward.value for key, answer in again.items()}, (
            "same bytes, same verdict"
        )
        assert back["z"].reward.state in ("scored", "error"), "never lost"
        judges = psutil.Process(lease["pid"]).children(recursive=True)
        limit = time.monotonic() + 120
        while living(configure(stage).folder) is not None:
            assert time.monotonic() < limit, "the service did not end when nobody used it"
            time.sleep(0.2)
        time.sleep(1)
        assert not [p for p in judges if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    finally:
        lease = living(configure(stage).folder)
        if lease:
            end(lease)
