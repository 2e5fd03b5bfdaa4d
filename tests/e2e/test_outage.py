"""The train stage for real: veRL, Ray, rollouts, the verifier service and the judge on vLLM, a few small steps.

The models are the local recipe's with far fewer steps: what is tested is what happens to rewards, processes
and files, not how much is learned.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.listening import only_this_machine, only_with_the_token
from support.train_project import Project

from verif.data.rollouts import read

pytestmark = pytest.mark.e2e
RANK = 4  # of the adapters
pytest.importorskip("verl")
pytest.importorskip("vllm")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, clone: Path) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("train"))
    made.recipe()
    if (clone / "models" / "judge").is_dir():  # of test_local.py's run
        shutil.copytree(clone / "data", made.root / "data")
        for name in ("policy", "judge"):
            shutil.copytree(clone / "models" / name, made.root / "models" / name)
    else:
        for stage in ("prepare", "policy", "judge"):
            made.run(stage)
    write_identity(made)
    yield made
    left = made.processes()
    for process in left:
        process.terminate()  # a killed vLLM leaves its engine behind
    for process in psutil.wait_procs(left, 20)[1]:
        process.kill()


def write_identity(project: Project) -> None:
    """What the verifier stage would write about a fit verifier (its audit is tested elsewhere)."""
    from verif.audit.fitness import teacher_of
    from verif.project import load_stage

    stage = load_stage(project.root)
    folder = stage.models / "verifier"
    folder.mkdir(exist_ok=True)
    (folder / "identity.json").write_text(
        json.dumps({"identity": teacher_of(stage), "fit": True, "reasons": []})
    )


def batches_of(run: Path) -> list[Path]:
    return sorted((run / "batches").glob("*.json"))


def batches(run: Path) -> list[dict[str, Any]]:
    return [row for path in batches_of(run) for row in json.loads(path.read_text())]


def outage(project: Project, process: subprocess.Popen[str], seconds: float = 8) -> bool:
    """The judge dies when the step at hand has its first verdicts, and again while it comes back, for longer than
    the verifier's deadline; whether a rollout of that step, as veRL trained on it, had an error."""
    steps = len(batches_of(project.runs[-1]))
    before = project.served()
    serving = [part for judge in project.judges() for part in (judge, *judge.children(recursive=True))]

    def begun() -> bool:
        """The judge gets moments of time only: a batch of tiny answers would be through before anybody looks."""
        for part in serving:
            part.resume()
        time.sleep(0.02)
        for part in serving:
            part.suspend()
        return project.served() >= before + 6

    project.wait(process, begun)
    for part in serving:
        part.kill()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for judge in project.judges():
            judge.kill()
        time.sleep(0.5)
    project.wait(process, lambda: len(batches_of(project.runs[-1])) > steps)
    return any(row["state"] == "error" for row in batches(project.runs[-1]))


def test_through_an_end_and_an_outage(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One run of PPO in two attempts, of LoRA's adapters alone: a pod that must go keeps the step under way, the data stays in
    order, and a judge that dies leaves no trace in scores or gradients. (`kill -9`: test_guard.py and test_supervise.py.)"""
    adapters = {"rank": RANK, "alpha": 2 * RANK}
    project.recipe(algorithm="ppo", rollout="transformers", seed=5, steps=9, save_every=6, lora=adapters)
    monkeypatch.setitem(project.env, "VERIF_GRACE_S", "200")  # this machine may be busy
    process = project.start("train")
    only_with_the_token(
        lambda: project.runs[-1] / "ray-token",
        project.processes,
        lambda until: project.wait(process, until),
        tmp_path,
    )
    project.wait(process, lambda: project.reached(1))
    only_this_machine(project.processes())
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(240) != 0
    assert "a checkpoint first" in project.log("train")
    assert not project.trainers()
    (saved,) = project.runs[-1].glob("checkpoints/global_step_*/data.pt")
    kept = int(saved.parent.name.rsplit("_", 1)[1])
    assert kept in (1, 2, 3), "no regular checkpoint is due before the sixth step"

    monkeypatch.delitem(project.env, "VERIF_GRACE_S")
    process = project.start("train")
    project.wait(process, lambda: project.reached(kept + 1))
    undisturbed = len(batches_of(project.runs[-1]))
    for _ in range(3):
        if outage(project, process):
            break
    assert process.wait(600) == 0, project.log("train")
    assert f"resuming after step {kept} of 9" in project.log("train")
    errors = no_trace_of_errors(project.runs[-1])
    assert errors, "the judge was killed, but no rollout of the batch had an error"
    rollouts = list(read(project.root / "reports" / "train" / "rollouts"))
    assert all(r.advantage_sum == 0 for r in rollouts if r.reward is None)
    report = json.loads((project.root / "reports" / "train.json").read_text())
    assert report["reward_errors"] == sum(r.reward is None for r in rollouts) >= errors
    assert report["rollouts"] == len(rollouts)
    assert sorted({r.step for r in rollouts}) == list(range(1, 10))
    assert undisturbed > kept
    # Where the judge is away, groups without a reward give way to other prompts.
    for step in range(1, undisturbed + 1):
        seen = {r.id for r in rollouts if r.step == step}
        assert seen == expected(project, 5, step), f"step {step} has other prompts than an undisturbed run"
    loads_again(project)
    assert "trained 9 steps" in project.run("train", 120)  # the finished run gives its result; nothing trains


def no_trace_of_errors(run: Path) -> int:
    """How many rollouts had an error; none of them, nor what they left alone in its group, weighs anything in a batch."""
    rows = batches(run)
    groups = Counter(row["key"].split("_")[0] for row in rows if row["state"] in ("scored", "unscorable"))
    for row in rows:
        takes_part = row["state"] in ("scored", "unscorable") and groups[row["key"].split("_")[0]] >= 2
        weights = (row["score"], row["advantage"], row["loss_tokens"], row["normalising_tokens"])
        assert takes_part or weights == (0, 0, 0, 0), row
        assert not takes_part or row["loss_tokens"] == row["normalising_tokens"] > 0, row
    return sum(row["state"] == "error" for row in rows)


def expected(project: Project, seed: int, step: int) -> set[str]:
    """The prompts of a step by veRL's own sampler, without a run."""
    from types import SimpleNamespace

    from verl.trainer.ppo.utils import create_rl_sampler

    from verif.core.instruction_files import read_instructions

    items = read_instructions(project.root / "data" / "train.parquet")

    class Config(SimpleNamespace):
        def get(self, name: str) -> Any:
            return getattr(self, name)

    order = list(create_rl_sampler(Config(shuffle=True, seed=seed), items))
    return {items[index].id for index in order[(step - 1) * 6 : step * 6]}


def loads_again(project: Project) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    models = project.root / "models"
    new, old = (AutoModelForCausalLM.from_pretrained(models / name) for name in ("trained", "policy"))
    assert {p.dtype for p in new.parameters()} == {torch.float32}
    changes = {name: (p - old.get_parameter(name)).detach().double() for name, p in new.named_parameters()}
    layers = {name: change for name, change in changes.items() if name.endswith("proj.weight")}
    assert all(0 < int(torch.linalg.matrix_rank(change, tol=1e-5)) <= RANK for change in layers.values())
    assert not any(change.any() for name, change in changes.items() if name not in layers)
    texts = ["<|im_start|>user\nWrite about the harbour.<|im_end|>\n"]
    one, two = (AutoTokenizer.from_pretrained(models / name) for name in ("trained", "policy"))
    assert one(texts).input_ids == two(texts).input_ids
    assert new.generation_config.eos_token_id == old.generation_config.eos_token_id
