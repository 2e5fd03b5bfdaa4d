"""Flows that wait for a person, as the page drives them: evidence, a pause, an answer, and what comes of it.

Promotion and builds share this file, because they share its server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from benchmarks.build_standin import BuildStandin, serving
from benchmarks.build_world import world_pairs
from tests.registry.conftest import RECIPE
from verif.registry.promotion import at_desk
from verif.registry.reconcile import register
from verif.registry.store import open_registry
from verif.system.serving import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server of its own."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    line = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = (home / "server.log").open("w")
    env = os.environ | {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    server = subprocess.Popen(line, env=env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait(lambda: healthy(url), 120)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def wait(condition: Any, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.3)
    return found


def paused(api: str) -> str:
    """The id of the one flow run that waits for a person, or ""."""
    query = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    found = requests.post(f"{api}/flow_runs/filter", json=query, timeout=10).json()
    return found[0]["id"] if found else ""


@pytest.mark.parametrize("approve", [False, True])
def test_nothing_is_promoted_before_a_person_says_so(
    stage: Any, refill: Any, api: str, approve: bool, tmp_path: Path
) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "t.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "params.yaml").write_text("recipe: t\ndata: none\n")
    register(stage)
    refill(stage.root, after=0.85, weights=b"w2")
    assert register(stage).alias == "challenger"
    code = "from flows.promotion import promote; print(promote('challenger', wait_hours=0.05))"
    env = os.environ | {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    flow = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait(lambda: paused(api) or flow.poll() is not None)
        assert flow.poll() is None, flow.communicate()[0][-3000:]
        run = paused(api)
        assert open_registry(stage).aliases()["champion"] == "1"
        kept = requests.post(f"{api}/artifacts/filter", json={}, timeout=10).json()
        (evidence,) = [a for a in kept if a["flow_run_id"] == run]
        assert "| gain | yes |" in evidence["data"]
        answer = {"run_input": {"approve": approve, "why": "read the samples"}}
        requests.post(f"{api}/flow_runs/{run}/resume", json=answer, timeout=10).raise_for_status()
        said, _ = flow.communicate(timeout=120)
    finally:
        flow.kill()
    assert flow.returncode == 0, said[-3000:]
    with at_desk(stage) as desk:
        last = desk.entries[-1]
    if approve:
        assert open_registry(stage).aliases()["champion"] == "2"
        assert (last.to, last.why) == ("2", "read the samples")
    else:
        assert "was not approved" in said
        assert open_registry(stage).aliases()["champion"] == "1"
        assert last.to == "1"


def test_a_build_pays_for_nothing_before_a_person_says_so_and_keeps_their_budget(
    api: str, tmp_path: Path
) -> None:
    pairs, code = (
        tmp_path / "pairs.jsonl",
        "from flows.building import build; build('pairs.jsonl', 'rows.jsonl', '{}', 9.0)",
    )
    pairs.write_text("".join(json.dumps(row) + "\n" for row in world_pairs(12, 1)[0]))
    with serving(BuildStandin()) as standin:
        env = os.environ | {
            "PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "VERIF_BUILD_URL": standin.url,
        }  # fmt: skip
        line = [sys.executable, "-c", code.format(ROOT / "recipes" / "builds" / "world.yaml")]
        flow = subprocess.Popen(
            line, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            wait(lambda: paused(api) or flow.poll() is not None)
            assert flow.poll() is None, flow.communicate()[0][-3000:]
            run = paused(api)
            assert not standin.sent, "nothing is paid before"
            answer = {"run_input": {"approve": True, "budget": 0.012}}
            wait(lambda: requests.post(f"{api}/flow_runs/{run}/resume", json=answer, timeout=60).ok)
            said, _ = flow.communicate(timeout=120)
        finally:
            flow.kill()
    assert flow.returncode != 0
    assert "budget" in said, "twelve pairs cost more than the person allowed, and less than was asked for"
    kept = requests.post(f"{api}/artifacts/filter", json={}, timeout=10).json()
    (card,) = [json.loads(a["data"].strip("`json\n")) for a in kept if a["key"] == "build-card"]
    assert 0 < card["cost"]["all"]["price"] <= 0.012
    assert card["left"] > 0
