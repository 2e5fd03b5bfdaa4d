"""A sweep over real DVC experiments, with a pipeline of one small stage; and what a sweep file may say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from verif.errors import RecipeError
from verif.pipeline import sweep as parts
from verif.pipeline.sweep_table import table
from verif.system.files import write_json

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
POLICY = """
import os
from pathlib import Path
import yaml
seed = yaml.safe_load(open("recipes/local.yaml"))["train"]["seed"]
Path("models").mkdir(exist_ok=True)
Path("models/policy").write_text(f"policy of seed {seed}")
with open(os.environ["POLICY_LOG"], "a") as log:
    log.write(f"{seed}\\n")
"""
STAGE = """
from pathlib import Path
import yaml
from verif.evaluation import verdicts
from verif.evaluation.case import VerdictRow
recipe = yaml.safe_load(open("recipes/local.yaml"))
assert Path("models/policy").read_text() == f"policy of seed {recipe['train']['seed']}"
wins = {"hard-only": 12, "average": 16}[recipe["verifier"]["formula"]] + recipe["train"]["seed"]
rows = [VerdictRow("b", m, "t1", f"p{i}", f"p{i}", 0, "k", "soft", "c", "q", "r", True, 1, "pass" if i < n else "fail",
            "", "{}", "", "") for m, n in (("before", 8), ("after", wins)) for i in range(20)]
verdicts.write(Path("reports/evaluation/verdicts.parquet"), rows)
"""
DVC = f"""
stages:
  policy:
    cmd: {sys.executable} policy.py
    deps: [policy.py]
    params:
      - recipes/local.yaml:
          - train
    outs: [models/policy]
  evaluate:
    cmd: {sys.executable} stage.py
    deps: [stage.py, models/policy]
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
        "recipes/local.yaml": RECIPE, "mini.yaml": SWEEP, "stage.py": STAGE, "policy.py": POLICY, "dvc.yaml": DVC,
        "params.yaml": "recipe: local\ndata: x\n", ".gitignore": ".verif/\nreports/\nmodels/\n",
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
def test_sweep_runs_what_is_missing_and_reports_intervals(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path_factory.mktemp("log") / "policies"
    monkeypatch.setenv("POLICY_LOG", str(made))
    found = parts.load_sweep(project / "mini.yaml", project / "recipes")
    said: list[str] = []
    lines = table(project, found, parts.run_sweep(project, found, said.append))
    assert sum("running" in line for line in said) == 4
    assert [(line.arm, line.after.n) for line in lines] == [("code only", 40), ("both", 40)]
    assert lines[0].after.value == pytest.approx((13 + 14) / 40)
    assert lines[1].by_seed == pytest.approx(((17 - 8) / 20, (18 - 8) / 20))
    assert lines[1].gain.low > 0
    assert made.read_text().split() == ["1", "2"], "two arms share the policy of a seed"
    said.clear()
    assert table(project, found, parts.run_sweep(project, found, said.append)) == lines
    assert not any("running" in line for line in said)
    assert (project / "recipes" / "local.yaml").read_text() == RECIPE


def keep_result(project: Path, job: parts.Trial, after: int, *, shared: bool = False) -> None:
    """A finished run of 20 prompts, as a sweep keeps it: 8 followed before, the first `after` afterwards.

    The prompts are each seed's own, or `shared` by all.
    """
    sides = ([float(i < n) for i in range(20)] for n in (8, after))
    ids = [f"p{i}:{0 if shared else job.seed}" for i in range(20)]
    path = project / ".verif" / "sweeps" / f"{job.name('mini')}.json"
    write_json(path, dict(zip(("before", "after", "ids"), (*sides, ids), strict=True)))


@pytest.mark.slow
def test_arms_are_compared_in_pairs_and_the_table_is_kept(project: Path, monkeypatch, capsys) -> None:
    from verif.cli.sweep import sweep as command

    found = parts.load_sweep(project / "mini.yaml", project / "recipes")
    for job in parts.jobs(found, parts.project_state(project)):
        keep_result(project, job, 10 if job.arm == "code only" else 16)
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "200")
    command(project / "mini.yaml", show=True)
    first, second = orjson.loads((project / "reports" / "sweep-mini.json").read_bytes())
    assert first["over_first"] is None
    over = second["over_first"]
    assert (over["value"], over["n"]) == (pytest.approx(0.3), 40)
    assert 0 < over["low"] < 0.3 < over["high"] < second["after"]["value"]
    assert over["p_value"] <= over["p_holm"] < 0.01
    text = (project / "reports" / "sweep-mini.md").read_text()
    assert "| arm | n | before |" in text
    assert "(sweep-mini.svg)" in text
    assert (project / "reports" / "sweep-mini.svg").read_text().count("<svg") == 1
    assert "| both | 40 | 0.400 [" in text
    assert "| +0.300 [+" in text
    assert "+0.400, +0.400" in capsys.readouterr().out


def test_a_prompt_that_two_seeds_asked_is_one_prompt(project: Path) -> None:
    found = parts.load_sweep(project / "mini.yaml", project / "recipes")
    widths = []
    for shared in (False, True):
        jobs = parts.jobs(found, parts.project_state(project))
        for job in jobs:
            keep_result(project, job, 10 if job.arm == "code only" else 16, shared=shared)
        over = table(project, found, jobs)[1].over_first
        assert over is not None
        assert over.difference.n == 40
        widths.append((over.difference.high - over.difference.low, over.p_value))
    (apart, p_apart), (together, p_together) = widths
    assert together > 1.3 * apart, "twenty prompts say less than forty"
    assert p_together > p_apart


@pytest.mark.slow
def test_results_of_other_code_or_another_recipe_are_said_and_not_used(project: Path, monkeypatch) -> None:
    found = parts.load_sweep(project / "mini.yaml", project / "recipes")

    def seen() -> list[str]:
        said: list[str] = []
        lines = table(project, found, parts.run_sweep(project, found, said.append, run=False))
        return [f"n={line.after.n}" for line in lines] + said

    for job in parts.jobs(found, parts.project_state(project)):
        keep_result(project, job, 12)
    assert seen() == ["n=40", "n=40"]
    (project / "reports").mkdir(exist_ok=True)
    (project / "reports" / "sweep-mini.md").write_text("a table")
    assert seen() == ["n=40", "n=40"], "its own table is no change"
    unused = ["n=0", "n=0", "4 kept results were made with other code or another recipe; they are not used."]
    (project / "recipes" / "local.yaml").write_text(RECIPE.replace("average", "product"))
    assert seen() == unused
    (project / "recipes" / "local.yaml").write_text(RECIPE)
    assert seen() == ["n=40", "n=40"]
    (project / "stage.py").write_text(STAGE + "# changed\n")
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "code"],
        cwd=project,
        check=True,
    )
    assert seen() == unused


@pytest.mark.slow
def test_the_ablation_of_the_project_is_valid(root: Path) -> None:
    found = parts.load_sweep(root / "sweeps" / "ablation.yaml", root / "recipes")
    assert len(parts.jobs(found)) == 12
    assert [job.seed for job in parts.jobs(found)] == [1] * 4 + [2] * 4 + [3] * 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("verifier.formula: hard-only", "verifier.formula: hardly", "arm 'code only'.*formula"),
        ("verifier.formula: hard-only", "verifier.form: average", "verifier.form"),
        ("seeds: [1, 2]", "seeds: []", "seeds"),
        ("base: local", "base: other", "unknown recipe 'other'"),
        ("code only: {verifier", "code only: {base: third, verifier", "unknown recipe 'third'"),
    ],
)
def test_a_sweep_that_cannot_run_says_why_before_it_starts(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "local.yaml").write_text(RECIPE)
    (tmp_path / "s").write_text(SWEEP.replace(old, new))
    with pytest.raises(RecipeError, match=words):
        parts.load_sweep(tmp_path / "s", tmp_path)
