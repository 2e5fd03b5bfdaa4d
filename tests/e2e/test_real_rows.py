"""Real rows instead of the world, in the same clone: they replace its policy, so this file comes last of those that use it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.whole_runs import run

pytestmark = [pytest.mark.e2e, pytest.mark.release]  # seven minutes: what it joins is tested part by part


def test_real_rows_go_through_the_same_stages(clone: Path, env: dict[str, str], reference_data: Path) -> None:
    """With DPO in a cycle of two updates: the second one learns from rollouts that are one update old."""
    if not (clone / "recipes" / "verinstruct-tiny.yaml").is_file():
        pytest.skip("no recipe verinstruct-tiny")
    (file,) = sorted((reference_data / "verinstruct").glob("*.jsonl"))[:1]
    few = ["--set", "policy.steps=50", "--set", "train.steps=2", "--set", "train.prompts_per_step=4"]
    few += ["--set", "train.algorithm=dpo", "--set", "train.sync_every=2", "--set", "train.save_every=2"]
    ifeval = reference_data / "ifeval" / "input_data.jsonl"
    named = f"[{{name: held-back}}, {{name: ifeval, path: {ifeval}, limit: 16}}]"
    few += ["--set", f"evaluate.benchmarks={named}"]
    done = run(clone, env, "--recipe", "verinstruct-tiny", "--data", str(file), *few)
    assert done.returncode == 0, done.stderr[-3000:]
    benchmarks = json.loads((clone / "reports" / "evaluation.json").read_text())["benchmarks"]
    held_back = json.loads((clone / "reports" / "data.json").read_text())["rows"]["test"]
    assert 8 <= held_back <= 32, "16 are asked for; a row's digest decides where it goes, so that none moves"
    assert {name: row["n"] for name, row in benchmarks.items()} == {"held-back": held_back, "ifeval": 16}
    assert (clone / "reports" / "index.html").stat().st_size > 1000
    steps = list(csv.DictReader((clone / "reports" / "train" / "curve.csv").open()))[-2:]
    assert [float(step["staleness"]) for step in steps] == [0, 1]
    assert all(float(step["pairs"]) + float(step["no_contrast"]) >= 4 for step in steps)
