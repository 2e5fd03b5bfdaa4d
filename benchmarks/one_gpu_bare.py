"""A few steps of veRL alone, beside verif's (part of `one_gpu.py`): its own trainer, sampler, GRPO and reward loop.

Model, data, rollout engine and sizes are verif's; the reward is a constant, so nothing waits for a verdict.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from verif.errors import TrainingError
from verif.project import Stage
from verif.system.private import new_secret, private_folder
from verif.training import guard
from verif.training.command import job
from verif.training.environment import TOKEN, RunFiles

OURS = ("trainer.v1.", "+trainer.v1.", "reward.reward_manager.", "algorithm.adv_estimator=", "trainer.logger=",
        "trainer.total_training_steps=", "trainer.save_freq=", "trainer.test_freq=", "trainer.val_before_train=",
        "actor_rollout_ref.actor.policy_loss.")  # fmt: skip
"""What verif sets and veRL alone does not."""


def constant(*_: object, **__: object) -> float:
    """The reward."""
    return 1.0


def bare_steps(stage: Stage, out: Path, steps: int, seconds: float) -> dict[str, Any]:
    """Times of a step of veRL alone; `TrainingError` if it ends before two steps."""
    run = private_folder(stage.state / "bare")
    ray = Path("/tmp") / f"bare{os.getpid()}"
    ray.mkdir(mode=0o700)
    places = RunFiles(
        stage.models / "policy", stage.data / "train.parquet", stage.data / "validation.parquet", run, ray
    )
    made = job(stage.recipe.train, places, experiment="bare", verifier_url="http://127.0.0.1:9")
    line = [part for part in made.arguments if not part.startswith(OURS)]
    line += [
        "algorithm.adv_estimator=grpo", f"trainer.total_training_steps={steps}", "trainer.save_freq=-1",
        "trainer.test_freq=-1", "trainer.val_before_train=false", "trainer.logger=[file]",
        f"reward.custom_reward_function.path={Path(__file__).resolve()}", "reward.custom_reward_function.name=constant",
    ]  # fmt: skip
    log = run / "steps.jsonl"
    new_secret(run / TOKEN)
    environment = plain(made.environment) | {"VERL_FILE_LOGGER_PATH": str(log)}
    marker = f"bare-{os.getpid()}-{time.time_ns()}"
    watched = [
        sys.executable,
        "-I",
        guard.__file__,
        marker,
        str(run / "log"),
        str(ray),
        "--",
        sys.executable,
        *line,
    ]
    process = subprocess.Popen(
        watched, stdin=subprocess.PIPE, env=environment, cwd=run, start_new_session=True
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait(60)
        if (run / "log").is_file():
            (out / "bare.log").write_bytes((run / "log").read_bytes()[-500_000:])
    said = read(log)
    if len(said) < 2:
        raise TrainingError(f"veRL alone made {len(said)} steps in {seconds:.0f} s.", f"See {run / 'log'}.")
    return medians(said)


def plain(environment: Mapping[str, str]) -> dict[str, str]:
    """verif's variables without those that choose its own loss."""
    return {
        **os.environ,
        **{name: value for name, value in environment.items() if name != "VERIF_ONE_FORWARD"},
    }


def read(log: Path) -> list[dict[str, float]]:
    """The metrics of each step."""
    if not log.is_file():
        return []
    rows = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    steps = [row.get("data", row) for row in rows]
    return [step for step in steps if "timing_s/step" in step]


def medians(steps: list[dict[str, float]]) -> dict[str, Any]:
    """Over the steps after the first two, where there are more."""
    late = steps[2:] or steps[1:]
    names = sorted(
        name for name in late[-1] if name.startswith(("timing_s/", "perf/", "response_length/mean"))
    )
    return {"steps": len(steps)} | {
        name: round(statistics.median(step[name] for step in late if name in step), 4) for name in names
    }
