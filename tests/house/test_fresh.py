"""`make bench-fresh` goes on where it was killed, trains nothing twice, and ends with one JSON object."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fresh
from benchmarks.main import ROOT, git
from verif.errors import InputError
from verif.pipeline.sweep import changed
from verif.recipe import ScratchJudge, load_recipe, parse_recipe

KEYS = {
    "runs", "gained", "worst_gain", "median_gain", "worst_greedy", "worst_grammar_drop", "false_accepted_max", "repairs",
    "gate_passed",
}  # fmt: skip


def shown(gain: float, **other: Any) -> dict[str, Any]:
    plain = {
        "gain": gain, "gain_low": gain - 5, "greedy": 3.0, "grammar_drop": 1.0, "false_accepted": 0.04, "repairs": 0,
        "gate_passed": True,
    }  # fmt: skip
    return plain | other


def test_ten_runs_of_five_seeds_each_under_two_numbers_of_threads() -> None:
    assert len({run.name for run in fresh.RUNS}) == len(fresh.RUNS) == 10
    assert [run.seed for run in fresh.RUNS] == [1, 2, 3, 4, 5, 5, 4, 3, 2, 1]
    assert {run.threads for run in fresh.RUNS[:5]} != {run.threads for run in fresh.RUNS[5:]}


def test_a_killed_benchmark_goes_on_and_no_run_is_made_twice(tmp_path: Path) -> None:
    made: list[str] = []

    def once(run: fresh.Run, home: Path) -> dict[str, Any]:
        made.append(run.name)
        if len(made) == 3:
            raise KeyboardInterrupt
        return shown(20.0)

    with pytest.raises(KeyboardInterrupt):
        fresh.measure(tmp_path, fresh.RUNS, once)
    results = fresh.measure(tmp_path, fresh.RUNS, once)
    assert len(results) == 10
    assert sorted(made) == sorted([*(run.name for run in fresh.RUNS), made[2]])


def test_a_run_that_fails_is_said_tried_again_next_time_and_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = {"seed-2-threads-1"}

    def once(run: fresh.Run, home: Path) -> dict[str, Any]:
        if run.name in fails:
            raise InputError("verif run ended with 2.", file=home / "log")
        return shown(20.0)

    assert len(fresh.measure(tmp_path, fresh.RUNS, once)) == 9
    assert "run 2, seed-2-threads-1: failed" in capsys.readouterr().out
    fails.clear()
    assert len(fresh.measure(tmp_path, fresh.RUNS, once)) == 10


def test_the_last_line_has_the_worst_and_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gains = iter([12.0, 20.0, 4.0, 25.0, 18.0, 19.0, 21.0, 22.0, 15.0, 16.0])

    def once(run: fresh.Run, home: Path) -> dict[str, Any]:
        gain = next(gains)
        return shown(gain, repairs=int(gain == 4.0), gate_passed=gain > 5, grammar_drop=20 - gain)

    monkeypatch.setattr(fresh, "HOME", tmp_path)
    monkeypatch.setattr(fresh, "train", once)
    monkeypatch.setattr("sys.argv", ["fresh"])
    assert fresh.main() == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(last) >= KEYS
    assert (last["runs"], last["gained"], last["worst_gain"], last["median_gain"]) == (10, 9, 4.0, 18.5)
    assert (last["worst_grammar_drop"], last["repairs"], last["gate_passed"]) == (16.0, 1, 9)


def test_damaged_results_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match=r"results\.json: not JSON"):
        fresh.measure(tmp_path, fresh.RUNS, lambda run, home: {})


def test_the_figures_are_those_of_the_reports(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"evaluation\.json"):
        fresh.figures(tmp_path)
    model = {"before": {"grammatical": {"value": 0.9}}, "after": {"grammatical": {"value": 0.88}}}
    gains = {"gain": {"value": 0.17, "low": 0.12}, "gain_greedy": {"value": 0.02}}
    written = {
        "evaluation": {"benchmarks": {"world-test": model | gains}},
        "registration": {"gate": {"passed": True}},
        "train": {"teachers": [{}, {}], "exported": {"step": 65}, "ended": "", "false_accepted_max": 0.06},
    }
    (tmp_path / "reports").mkdir()
    for name, report in written.items():
        (tmp_path / "reports" / f"{name}.json").write_text(json.dumps(report))
    figures = fresh.figures(tmp_path)
    assert (figures["gain"], figures["greedy"], figures["grammar_drop"]) == (17.0, 2.0, 2.0)
    assert (figures["repairs"], figures["false_accepted"], figures["exported"]) == (1, 0.06, 65)
    (tmp_path / "reports" / "train.json").write_text("{}")
    with pytest.raises(InputError, match="the reports lack"):
        fresh.figures(tmp_path)


def test_runs_of_another_machine_count_for_the_same_code_alone(tmp_path: Path) -> None:
    file = tmp_path / "fresh.jsonl"
    fresh.noted(file, "abc", "1" * 40, {"seed-1-threads-2": shown(20.0)})
    later = {"seed-1-threads-2": shown(1.0), "seed-2-threads-2": shown(15.0)}
    fresh.noted(file, "abc", "1" * 40, later)
    assert {name: row["gain"] for name, row in fresh.elsewhere(file, "abc").items()} == {
        "seed-1-threads-2": 20.0,
        "seed-2-threads-2": 15.0,
    }
    assert fresh.elsewhere(file, "other") == {}
    first = json.loads(file.read_text().splitlines()[0])
    assert "cores" in first["machine"]
    assert first["commit"] == "1" * 12
    file.write_text(file.read_text() + "{}\n")
    with pytest.raises(InputError, match="row 3"):
        fresh.elsewhere(file, "abc")


def test_runs_that_begin_later_are_clones_of_the_same_commit(tmp_path: Path) -> None:
    earlier = git("rev-list", "-n", "2", "HEAD").split()[-1]
    (tmp_path / "commit").write_text(earlier)
    clone = fresh.clone_of(fresh.RUNS[0], tmp_path)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True)
    assert head.stdout.strip() == fresh.commit_of(tmp_path) == earlier
    assert fresh.commit_of(tmp_path / "new") == git("rev-parse", "HEAD")
    (tmp_path / "commit").write_text("0" * 40)
    with pytest.raises(InputError, match="000000000000 is no commit here"):
        fresh.clone_of(fresh.RUNS[1], tmp_path)
    assert fresh.clone_of(fresh.RUNS[0], tmp_path) == clone, "one that is whole is used again"


def test_several_runs_at_once_are_each_kept_and_told(tmp_path: Path) -> None:
    told: list[int] = []
    results = fresh.measure(
        tmp_path, fresh.RUNS, lambda run, home: shown(run.seed), 3, lambda done: told.append(len(done))
    )
    assert told == list(range(1, 11))
    assert json.loads((tmp_path / "results.json").read_text()) == results


def test_a_planted_run_has_the_old_judge_and_may_repair_it() -> None:
    import yaml

    values = {key: yaml.safe_load(value) for key, value in fresh.PLANTED.items()}
    base = load_recipe("local", ROOT / "recipes").model_dump(mode="json", by_alias=True)
    recipe = parse_recipe(changed(base, values), "planted")
    assert isinstance(recipe.judge, ScratchJudge)
    assert (recipe.judge.harden, recipe.verifier.pressure) == (None, None)
    assert recipe.train.watch.on_alarm == "repair"
    run = fresh.Run(3, 1, planted=True)
    assert run.name != fresh.Run(3, 1).name
    assert run.arguments[:2] == ["--set", "seed=3"]
    assert "judge.harden=null" in run.arguments
