"""GSM8K, MATH and multiple choice as benchmarks: loaded by path, decided by the verifier, extraction counted apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif.core.verifier import Verifier
from verif.errors import InputError
from verif.evaluation import catalog
from verif.evaluation.case import Generation
from verif.evaluation.judging import blank, by_verifier

ROWS = {
    "gsm8k": {"question": "How many clips?", "answer": "48+24 = 72\n#### 72"},
    "math": {"problem": "Halve one.", "solution": "So \\boxed{\\frac12}."},
    "choice": {"question": "Which is a boat?", "choices": ["tree", "canoe"], "answer": 1},
}
RIGHT = {"gsm8k": "72", "math": "\\frac{1}{2}", "choice": "B"}


def write(path: Path, *rows: object) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path.name


@pytest.mark.parametrize("name", ROWS)
def test_failures_of_extraction_are_counted_apart(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", *[ROWS[name]] * 4)
    cases = catalog.load(name, path, tmp_path, tmp_path)
    assert all(word in cases[0].instruction.prompt for word in ("End", "answer") if name != "math")
    said = (f"\\boxed{{{RIGHT[name]}}}", "\\boxed{9}", "\\boxed{1} \\boxed{2}", "")
    answers = [Generation(text, finished=text != "") for text in said]
    asked = [(blank(name, "after", "t1", c, a), c, a) for c, a in zip(cases, answers, strict=True)]
    verdicts = list(by_verifier(asked, Verifier(), "v"))
    assert [row.status for row in verdicts] == ["pass", "fail", "unscorable", "unscorable"]
    scores = catalog.get(name).score(cases, verdicts, 200, 0)
    assert scores["prompt_strict"].value == 0.25
    assert scores["no_final_answer"].value == 0.25  # the empty response is no failure of extraction
    assert scores["right_if_answered"].value == pytest.approx(1 / 3)


def test_a_folder_of_subjects_is_one_benchmark(tmp_path: Path) -> None:
    for subject in ("anatomy", "sailing"):
        write(tmp_path / "mmlu" / f"{subject}.jsonl", ROWS["choice"])
    cases = catalog.load("choice", "mmlu", tmp_path, tmp_path)
    assert [case.id for case in cases] == ["anatomy/1", "sailing/1"]


def test_rows_of_another_set_are_refused_by_file_and_row(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", ROWS["gsm8k"], ROWS["math"])
    with pytest.raises(InputError, match=r"rows\.jsonl.*row 2.*no row of GSM8K"):
        catalog.load("gsm8k", path, tmp_path, tmp_path)


def test_a_reference_at_fault_stops_before_a_model_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", {**ROWS["gsm8k"], "answer": "#### six"})
    with pytest.raises(InputError, match=r"row 1.*'answer'.*is no number"):
        catalog.load("gsm8k", path, tmp_path, tmp_path)
