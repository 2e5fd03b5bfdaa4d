"""`verif diff` and `verif bench list` as a user meets them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from verif.cli.app import app
from verif.evaluation import verdicts
from verif.evaluation.case import VerdictRow
from verif.evaluation.catalog import benchmarks

BASE = VerdictRow(
    "world-test", "before", "t1", "", "", 0, "topic", "soft", "Write about the sea.", "", "The sea [old].",
    True, 5, "pass", "", "{}", "world:truth@1", "world:truth@1",
)  # fmt: skip


def prompt(number: int, model: str, topic: bool, bullets: bool) -> list[VerdictRow]:
    """One prompt's two verdicts."""
    said = f"{model} says {number} [b]"
    first = replace(
        BASE, model=model, id=f"p{number}", cluster=f"p{number}", prompt=f"Question {number}?", response=said
    )
    first = replace(first, status="pass" if topic else "fail", reason="" if topic else "no sea in it")
    second = replace(
        first, index=1, family="bullets", kind="rule", constraint="Use bullets.", reason="no bullets found"
    )
    return [first, replace(second, status="pass" if bullets else "fail")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """40 prompts: 8 mended by their topic, 3 broken by their bullets, the rest as before."""
    rows = []
    for number in range(40):
        rows += prompt(number, "before", topic=number >= 8, bullets=True)
        rows += prompt(number, "after", topic=True, bullets=number < 37)
    verdicts.write(tmp_path / "reports" / "evaluation" / "verdicts.parquet", rows)
    return tmp_path


def diff(*arguments: object) -> str:
    done = CliRunner().invoke(app("diff"), [str(a) for a in arguments], env={"COLUMNS": "200"})
    if done.exit_code != 0:
        raise AssertionError(done.output) from done.exception
    return done.output


@pytest.mark.slow
def test_diff_of_one_evaluation_is_before_against_after(project: Path) -> None:
    text = diff(project, project, "--examples", 2)
    assert "world-test, t1: 0.125 [" in text
    assert "8 mended, 3 broken of 40 prompts in both" in text
    table = [line for line in text.splitlines() if "topic" in line or "bullets " in line]
    assert "bullets" in table[0], "what lost most comes first"
    assert "-0.075" in table[0]
    assert "1.000 │ 0.925" in table[0]
    assert "+0.200" in table[1]
    assert "0.800 │ 1.000" in table[1]
    examples = [line for line in text.splitlines() if line.startswith(("broken", "mended"))]
    assert examples == [
        "broken p37: Question 37?", "broken p38: Question 38?", "mended p0: Question 0?", "mended p1: Question 1?",
    ]  # fmt: skip
    assert "A: before says 37 [b]" in text
    assert "fail: Use bullets. (no bullets found)" in text
    assert "fail: Write about the sea. (no sea in it)" in text
    assert "pass:" not in text
    assert "Question 20?" not in text


def test_diff_of_two_evaluations_compares_what_both_were_asked(project: Path, tmp_path: Path) -> None:
    rows = [
        row for number in range(35, 45) for row in prompt(number, "after", topic=number != 36, bullets=True)
    ]
    verdicts.write(tmp_path / "other.parquet", rows)
    text = diff(project, tmp_path / "other.parquet")
    assert "3 mended, 1 broken of 5 prompts in both" in text
    with pytest.raises(AssertionError) as error:
        diff(project, project, "--model-b", "later")
    assert "Models there: after, before" in str(error.value.__cause__)
    verdicts.write(tmp_path / "none.parquet", [replace(row, prompt="Other.") for row in rows])
    with pytest.raises(AssertionError) as error:
        diff(project, tmp_path / "none.parquet")
    assert "no prompt of one benchmark in common" in str(error.value.__cause__)


def test_bench_list_names_every_benchmark_its_paper_and_its_deviations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from verif.cli import bench

    monkeypatch.setattr(bench, "console", Console(width=200))  # made when the module is imported
    done = CliRunner().invoke(app("bench"), ["list"])
    assert done.exit_code == 0
    for name, found in benchmarks().items():
        (line,) = [line for line in done.output.splitlines() if f"│ {name} " in line]
        assert found.judging in line
        assert found.paper in line
        assert ("yes" if found.needs_file else "no") in line
    assert (
        "multi-if: words, sentences and quotation marks are counted by the language of the response"
        in done.output
    )
    assert "followbench: hsr, ssr and csl weigh every prompt alike" in done.output
    assert "evaluate.general_tasks" in done.output
