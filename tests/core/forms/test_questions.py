"""Rows of GSM8K, MATH, multiple choice and trainers' ground truths: read, decided, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif import verify
from verif.core.rows import Where, row, rows
from verif.errors import InputError, VerifError
from verif.types import ReferenceConstraint

HERE = Where("rows.jsonl", 3)
GSM8K = {"question": "How many clips?", "answer": "She sold 48/2 = <<48/2=24>>24.\n48+24 = 72.\n#### 1,072"}
MATH = {"problem": "Halve one.", "solution": "We divide: \\boxed{\\frac{1}{2}}.", "level": "Level 1"}
MMLU = {"question": "Which is a boat?", "choices": ["tree", "canoe", "spoon", "map"], "answer": 1}
ARC = {
    "question": "Which?",
    "choices": {"text": ["a tree", "a canoe"], "label": ["1", "2"]},
    "answerKey": "2",
}
PRO = {"question": "Which?", "options": ["tree", "canoe"], "answer": "B", "answer_index": 1, "question_id": 7}
CASES: list[tuple[dict[str, Any], str, str]] = [
    (GSM8K, "So the answer is 1072.", "So the answer is 72."),
    (MATH, "\\boxed{0.5}", "\\boxed{0.2}"),
    (
        {"problem": "Halve one.", "solution": "Divide.", "answer": "\\frac12", "unique_id": "test/1"},
        "0.5",
        "2",
    ),
    (MMLU, "Answer: B", "Answer: C"),
    (ARC, "(B)", "(A)"),
    (PRO, "The answer is B.", "The answer is A."),
]


def verl(source: str, truth: Any) -> dict[str, Any]:
    return {
        "data_source": source,
        "prompt": [{"role": "user", "content": "How many?"}],
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {"index": 4},
    }


TRUTHS = [
    ("openai/gsm8k", "72", "#### 72", "#### 73"),
    ("DigitalLearningGmbH/MATH-lighteval", "\\frac{1}{2}", "\\boxed{0.5}", "\\boxed{2}"),
    ("aime24", "204", "Answer: 204", "Answer: 24"),
    ("searchR1_nq", {"target": ["Paris", "the city of light"]}, "Answer: City of Light", "Answer: Rome"),
    ("searchR1_nq", '{"target": ["Paris"]}', "paris", "Rome"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("raw", "right", "wrong"), CASES)
def test_a_row_decides_its_own_answers(raw: dict[str, Any], right: str, wrong: str) -> None:
    for text, status in ((right, "pass"), (wrong, "fail")):
        read = row({**raw, "response": text}, HERE)
        assert read.instruction is not None
        assert verify(read.instruction, read.response or "").verdicts[0].status == status


@pytest.mark.parametrize(("source", "truth", "right", "wrong"), TRUTHS)
def test_a_ground_truth_of_a_known_source_is_a_reference(
    source: str, truth: Any, right: str, wrong: str
) -> None:
    read = row(verl(source, truth), HERE)
    assert read.instruction is not None
    assert (read.id, read.prompt) == ("4", "How many?")
    assert verify(read.instruction, right).reward.value == 1.0
    assert verify(read.instruction, wrong).reward.value == 0.0


def test_options_are_shown_under_letters() -> None:
    read = row(MMLU, HERE)
    assert read.prompt == "Which is a boat?\nA. tree\nB. canoe\nC. spoon\nD. map"
    assert row(PRO, HERE).id == "7"


def test_samples_of_lm_eval_are_read() -> None:
    sample = {"doc_id": 0, "doc": GSM8K, "resps": [["It is 1072"]], "filtered_resps": ["1072"]}
    (read,) = rows(sample, HERE)
    assert read.instruction is not None
    assert isinstance(read.instruction.constraints[0], ReferenceConstraint)
    assert (read.response, read.instruction.constraints[0].answer) == ("1072", "1,072")


AT_FAULT: list[tuple[dict[str, Any], str, str]] = [
    ({**GSM8K, "answer": "So it is.\n#### "}, "answer", "is empty"),
    ({**GSM8K, "answer": "#### 7 or 8"}, "answer", "is no number"),
    ({**GSM8K, "answer": "#### 7\n#### 8"}, "answer", "2 final answers"),
    ({**MATH, "solution": "It is a half."}, "solution", "boxes no answer"),
    ({**MATH, "solution": "\\boxed{1} or \\boxed{2}"}, "solution", "several answers"),
    ({**MATH, "solution": "\\boxed{\\frac{1}{2}"}, "solution", "does not end"),
    ({**MATH, "solution": None}, "solution", "must be text"),
    ({**MMLU, "answer": 4}, "answer", "count from 0"),
    ({**MMLU, "answer": "the boat"}, "answer", "names none"),
    ({**MMLU, "choices": ["canoe"]}, "choices", "1 options"),
    ({**MMLU, "choices": "canoe"}, "choices", "a list of options"),
    ({"question": "Which?", "options": ["a", "b"]}, "answer", "is missing"),
    (verl("openai/gsm8k", ""), "reward_model.ground_truth", "is empty"),
    (verl("openai/gsm8k", "about ten"), "reward_model.ground_truth", "is no number"),
    (verl("openai/gsm8k", None), "reward_model.ground_truth", "an answer as text"),
    (verl("searchR1_nq", {"target": []}), "reward_model.ground_truth", "holds no answer"),
    (verl("searchR1_nq", ["a"] * 200), "reward_model.ground_truth", "200 answers"),
    (verl("their/own", "72"), "reward_model.ground_truth", "data_source"),
]


@pytest.mark.parametrize(("raw", "field", "said"), AT_FAULT)
def test_a_reference_at_fault_is_refused_by_file_row_and_field(
    raw: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        rows(raw, HERE)
    assert (caught.value.file, caught.value.row, caught.value.field) == ("rows.jsonl", 3, field)
    assert said in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("text", "label", "target")), inner)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    (
        "question",
        "problem",
        "answer",
        "solution",
        "choices",
        "options",
        "answer_index",
        "answerKey",
        "id",
        "response",
    )
)


@pytest.mark.slow
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_row_is_read_or_refused_in_one_line(raw: dict[str, Any]) -> None:
    try:
        said = ""
        rows(raw, HERE)
    except VerifError as error:
        said = str(error)
    assert not said or "rows.jsonl" in said
