"""References and answers that are no plain ones: a stated outcome for each, as docs/answers.md has it."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest

from verif import verify
from verif.core.row_files import read_rows
from verif.errors import InputError
from verif.types import ReferenceConstraint


def outcome(reference: str, response: str, compare: str, **more: object) -> str:
    fields = {"text": "Answer.", "answer": reference, "compare": compare, **more}
    return verify("What is it?", response, [ReferenceConstraint.model_validate(fields)]).verdicts[0].status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "response", "compare", "expected"),
    [
        # other locales and scripts
        ("1234.5", "The answer is 1.234,5", "number", "pass"),
        ("1.234,5", "The answer is 1,234.5", "number", "pass"),
        ("1234.5", "The answer is 12345", "number", "fail"),
        ("42", "答案是42。", "number", "pass"),
        ("42", "The answer is ٤٢", "number", "pass"),
        ("42", "The answer is ４２", "number", "pass"),
        ("1234.5", "The answer is ١٬٢٣٤٫٥", "number", "pass"),
        ("1234567", "The answer is 12,34,567", "number", "pass"),
        ("1234567", "The answer is 123,45,67", "number", "fail"),
        ("1/2", "\\boxed{１／２}", "math", "pass"),
        ("42", "答案是\u200f٤٢\u200f", "number", "pass"),  # marks of direction
        ("42", "The answer is \u200b\u2060", "number", "unscorable"),
        ("42", "The answer is ४२", "math", "pass"),
        ("12", "答案是十二", "number", "fail"),  # words are for a model behind the rules
        ("Москва", "The answer is москва.", "text", "pass"),
        # units and percent
        ("45%", "The answer is 0.45", "number", "pass"),
        ("45%", "The answer is 45", "number", "pass"),
        ("45%", "The answer is 4.5", "number", "fail"),
        ("5 km", "The answer is 5", "number", "pass"),
        ("5 km", "The answer is 5 m", "number", "fail"),
        # LaTeX that ends in the middle
        ("\\frac{1}{2}", "\\boxed{\\frac{1}{2", "math", "unscorable"),
        ("\\frac{1}{2}", "The answer is \\frac{1}{", "math", "fail"),
        ("\\frac{1}{2}", "The answer is $\\frac{1}{2}", "math", "pass"),
        ("\\frac{1}{2}", "\\boxed{\\frac{1}{2}} so \\boxed{", "math", "pass"),
        ("\\frac{1}{2}", "The answer is \\begin{pmatrix} 1", "math", "fail"),
        # sums that nobody worked out
        ("12", "The answer is 7 + 5", "number", "fail"),
        ("12", "The answer is 7 + 5", "math", "pass"),
        # several answers, and none
        ("7", "\\boxed{6} \\boxed{7}", "math", "unscorable"),
        ("7", "The answer is 6 or 7", "number", "fail"),
        ("7", "The answer is", "number", "unscorable"),
        ("7", " \n ", "number", "unscorable"),
        ("7", "\\boxed{}", "number", "unscorable"),
    ],
)
def test_each_has_its_outcome(reference: str, response: str, compare: str, expected: str) -> None:
    assert outcome(reference, response, compare) == expected


def test_a_megabyte_is_no_answer_and_costs_little() -> None:
    began = time.process_time()
    assert outcome("7", "The answer is " + "7" * (1 << 20), "number") == "unscorable"
    assert outcome("7", "\\boxed{" + "7" * (1 << 20) + "}", "math") == "unscorable"
    assert outcome("7", "x" * (1 << 20) + "\nThe answer is 7", "number") == "pass"
    assert time.process_time() - began < 5


def test_several_right_answers_stand_as_alternatives() -> None:
    assert outcome("7", "The answer is 8", "number", alternatives=["8", "9"]) == "pass"
    assert outcome("7", "The answer is 10", "number", alternatives=["8", "9"]) == "fail"


def test_an_alternative_at_fault_is_named_itself(tmp_path: Path) -> None:
    constraint = {
        "kind": "reference",
        "text": "Answer.",
        "answer": "7",
        "compare": "number",
        "alternatives": ["8", "nine"],
    }
    file = tmp_path / "rows.jsonl"
    row = {"instruction": {"id": "1", "prompt": "?", "constraints": [constraint]}, "response": "7"}
    file.write_bytes(orjson.dumps(row))
    with pytest.raises(
        InputError, match=r"row 1, field 'constraints\.0\.alternatives\.1': the reference 'nine' is no number"
    ):
        list(read_rows(file))


@pytest.mark.parametrize(
    ("answer", "compare", "problem"),
    [
        ("", "text", "the reference is empty"),
        ("  ", "math", "the reference is empty"),
        ("6 or 7", "number", "is no number"),
        ("\\frac{1}{", "math", "is no expression"),
        ("\\left(", "math", "is no expression"),
        ("[[", "math", "is no expression"),
        ("\u0000\u200b", "text", "the reference is empty"),
        ("7 + 5", "number", "is no number"),
        ("9" * 3000, "number", "at most 2,000"),
        ("A or B", "choice", "names no choice"),
        ("01/02/2020", "date", "is no date"),
        ("{}", "set", "an empty set"),
    ],
)
def test_a_reference_at_fault_is_refused_with_file_row_and_field(
    answer: str, compare: str, problem: str, tmp_path: Path
) -> None:
    good = {"kind": "reference", "text": "Answer.", "answer": "B", "compare": "text"}
    rows = [
        {"instruction": {"id": str(n), "prompt": "?", "constraints": [constraint]}, "response": "x"}
        for n, constraint in enumerate((good, good | {"answer": answer, "compare": compare}))
    ]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    with pytest.raises(InputError) as refused:
        list(read_rows(file))
    assert problem in str(refused.value)
    assert "rows.jsonl, row 2, field 'constraints.0.answer'" in str(refused.value)
