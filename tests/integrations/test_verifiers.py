"""verifiers v1: its own `Task.score` and its own `vf-validate`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.hosts import environment, run, seen

pytestmark = pytest.mark.slow


def test_rewards_stand_on_the_trace_and_an_error_is_a_task_error() -> None:
    told = seen("verifiers", "verifiers_errors.py")
    assert told["followed"] == told["best"] == 1.0
    assert told["failed"] == told["silent"] == 0.0
    assert told["broken"].startswith("TaskError")
    assert "no reward" in told["broken"]
    assert told["cut"] == 1.0, "a fragment is decided by code"


def test_the_example_runs(root: Path) -> None:
    said = run("verifiers", root / "examples/verifiers_taskset.py", "examples/rows.jsonl")
    assert said == "1 0.0 1 commas\n2 0.0 1 commas"


def test_its_own_command_validates_the_rows(root: Path, tmp_path: Path) -> None:
    command = environment("verifiers") / "bin" / "vf-validate"
    done = subprocess.run(
        [
            command, "verifiers_taskset", "--taskset.rows", root / "examples/rows.jsonl", "--runtime.type",
            "subprocess", "--rich", "False", "-o", tmp_path,
        ],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": f"{root}:{root / 'examples'}"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    summaries = list(tmp_path.rglob("summary.json"))
    assert summaries, done.stderr[-2000:]
    gold = json.loads(summaries[0].read_text())["checks"]["gold"]
    assert (gold["valid"], gold["invalid"], gold["error"]) == (1, 1, 0), (
        "the second row's own response has commas"
    )
