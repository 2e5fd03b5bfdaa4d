"""A sweep over real DVC experiments, with a pipeline of one small stage; and what a sweep file may say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verif.benchmarks import sweep as parts
from verif.errors import RecipeError

RECIPE = """
name: local
data: {kind: world}
policy: {kind: scratch}
judge: {kind: scratch}
verifier: {formula: average}
train: {seed: 1}
"""
SWEEP = """
sweep: mini
base: local
seeds: [1, 2]
seeded: [seed, train.seed]
arms:
  code only: {verifier.formula: hard-only}
  both: {verifier.formula: average}
"""
STAGE = """
from dataclasses import asdict
from pathlib import Path
import yaml
from verif.benchmarks import verdicts
from verif.benchmarks.case import Row
recipe = yaml.safe_load(open("recipes/local.yaml"))
wins = {"hard-only": 12, "average": 16}[recipe["verifier"]["formula"]] + recipe["train"]["seed"]
rows = [Row("b", m, "t1", f"p{i}", f"p{i}", 0, "k", "soft", "c", "q", "r", True, 1, "pass" if i < n else "fail",
            "", "{}", "", "") for m, n in (("before", 8), ("after", wins)) for i in range(20)]
verdicts.write(Path("reports/evaluation/verdicts.parquet"), rows)
Path("runs.txt").write_text("ran")
"""
DVC = f"""
stages:
  evaluate:
    cmd: {sys.executable} stage.py
    deps: [stage.py]
    params:
      - recipes/local.yaml:
          - verifier
          - train
    outs: [reports/evaluation]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    for name, text in {
        "recipes/local.yaml": RECIPE, "mini.yaml": SWEEP, "stage.py": STAGE, "dvc.yaml": DVC,
        "params.yaml": "recipe: local\ndata: x\n", ".gitignore": ".verif/\nreports/\nruns.txt\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)

    def call(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    call("git", "init", "-q")
    call(sys.executable, "-m", "dvc", "init", "-q")
    call("git", "-c", "user.name=t", "-c", "user.email=t@t", "add", ".")
    call("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "start")
    return tmp_path


@pytest.mark.slow
def test_sweep_runs_what_is_missing_and_reports_intervals(project: Path) -> None:
    found = parts.load_sweep(project / "mini.yaml", project / "recipes")
    said: list[str] = []
    lines = parts.run_sweep(project, found, said.append)
    assert sum("running" in line for line in said) == 4
    assert [(line.arm, line.after.n) for line in lines] == [("code only", 40), ("both", 40)]
    assert lines[0].after.value == pytest.approx((13 + 14) / 40)
    assert lines[1].by_seed == pytest.approx(((17 - 8) / 20, (18 - 8) / 20))
    assert lines[1].gain.low > 0
    said.clear()
    assert parts.run_sweep(project, found, said.append) == lines
    assert not any("running" in line for line in said)
    assert (project / "recipes" / "local.yaml").read_text() == RECIPE


def test_the_ablation_of_the_project_is_valid(root: Path) -> None:
    found = parts.load_sweep(root / "recipes" / "ablation.yaml", root / "recipes")
    assert len(parts.jobs(found)) == 12
    assert [job.seed for job in parts.jobs(found)] == [1] * 4 + [2] * 4 + [3] * 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("verifier.formula: hard-only", "verifier.formula: hardly", "arm 'code only'.*formula"),
        ("verifier.formula: hard-only", "verifier.form: average", "verifier.form"),
        ("seeds: [1, 2]", "seeds: []", "seeds"),
        ("base: local", "base: other", "unknown recipe 'other'"),
    ],
)
def test_a_sweep_that_cannot_run_says_why_before_it_starts(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "local.yaml").write_text(RECIPE)
    (tmp_path / "s").write_text(SWEEP.replace(old, new))
    with pytest.raises(RecipeError, match=words):
        parts.load_sweep(tmp_path / "s", tmp_path)
