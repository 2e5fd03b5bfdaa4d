"""A sweep's arms may have recipes of their own; and what each run's reports say beside its gain."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.pipeline.sweep import Trial, jobs, load_sweep
from verif.pipeline.sweep_story import HEADER, cells, keep, story


@pytest.mark.slow
def test_the_sweep_over_judges_gives_each_arm_its_recipe_and_its_seeds(root: Path) -> None:
    sweep = load_sweep(root / "sweeps" / "judges.yaml", root / "recipes")
    todo = jobs(sweep, "state")
    assert len(todo) == 15
    by_arm = {job.arm: job for job in todo if job.seed == 2}
    assert {arm: job.base for arm, job in by_arm.items()} == {
        "first judge": "", "hardened": "", "J1": "local-j1", "discriminative": "", "oracle": "local-oracle",
    }  # fmt: skip
    assert by_arm["hardened"].values["judge.seed"] == 2
    assert "judge.seed" not in by_arm["J1"].values
    assert len({job.name(sweep.sweep) for job in todo}) == 15


TRIAL = Trial("first judge", 1, {})


@pytest.mark.slow
def test_a_story_says_when_the_policy_left_its_judge_behind(tmp_path: Path, root: Path) -> None:
    evaluation = {
        "order": ["world-test"],
        "benchmarks": {"world-test": {"after": {"strict": {"value": 0.5}, "greedy": {"value": 0.6251}}}},
    }
    looks = [
        {"step": 1, "checked": 40, "contradicted": 2},
        {"step": 2, "checked": 20, "contradicted": 10},
        {"step": 3, "checked": 2, "contradicted": 2},
        {"step": 4, "checked": None, "contradicted": None},
    ]
    told = story(
        TRIAL, evaluation, {"seconds": 300}, {"alarms": [{"step": 2, "message": "m"}], "steps": looks}
    )
    assert (told.truth, told.greedy, told.first_alarm, told.worst_false, told.minutes) == (
        0.5,
        0.625,
        2,
        0.5,
        5.0,
    )
    assert len(cells(told)) == len(HEADER)
    keep(tmp_path, load_sweep(root / "sweeps" / "judges.yaml", root / "recipes"), [told])
    assert "| first judge | 1 | 0.5 |" in (tmp_path / "reports" / "sweep-judges-runs.md").read_text()


def test_a_run_without_an_oracle_has_dashes_and_no_figures() -> None:
    assert cells(story(TRIAL, {}, {}, {}))[2:] == ("–",) * 6
