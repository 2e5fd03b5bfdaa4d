"""Reference constraints from every entry point: the same verdict, and errors that stay errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from verif import verify
from verif.core.answers import maths
from verif.core.answers.check import check_reference
from verif.core.answers.maths import MathsError, Worker
from verif.core.row_files import read_rows
from verif.core.score import score
from verif.core.verifier import Verifier
from verif.errors import InputError
from verif.types import Instruction, Item, ReferenceConstraint, Response, RuleConstraint, Status


def asked(answer: str, compare: str, **more: object) -> ReferenceConstraint:
    return ReferenceConstraint.model_validate(
        {"text": "Give the answer.", "answer": answer, "compare": compare, **more}
    )


CASES = [
    (asked("42", "number"), "So the answer is 42.", "pass"),
    (asked("42", "number"), "So the answer is 41.", "fail"),
    (asked("42", "number"), "So the answer is 41 or 42.", "fail"),
    (asked("42", "number"), "\\boxed{41} \\boxed{42}", "unscorable"),
    (asked("B", "choice"), "Answer: (B)", "pass"),
    (asked("B", "choice"), "Answer: A, B, C or D", "fail"),
    (asked("Paris", "text", alternatives=["Paree"]), "The answer is paree.", "pass"),
    (asked("Paris", "text"), "The answer is Paris or Rome.", "fail"),
    (asked("1, 2, 3", "set"), "\\boxed{\\{3, 2, 1\\}}", "pass"),
    (asked("1, 2, 3", "set"), "\\boxed{\\{3, 2\\}}", "fail"),
    (asked("2020-05-03", "date"), "It was on\n3 May 2020", "pass"),
    (asked("2020-05-03", "date"), "It was on\n03/05/2020", "fail"),
    (asked("\\frac{1}{2}", "math"), "\\boxed{\\dfrac{1}{2}}", "pass"),
    (asked("(-\\infty, -5)", "math"), "\\boxed{k < -5}", "pass"),
    (asked("x+1", "math"), "\\boxed{1+x}", "pass"),
    (asked("x+1", "math"), "\\boxed{x-1}", "fail"),
]


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(formula="average")


@pytest.mark.slow
@pytest.mark.parametrize(("constraint", "text", "status"), CASES)
async def test_every_entry_point_says_the_same(
    constraint: ReferenceConstraint, text: str, status: str, tmp_path: Path
) -> None:
    instruction = Instruction(id="1", prompt="How many?", constraints=(constraint,))
    assert verify(instruction, text).verdicts[0].status == status
    verifier = Verifier(formula="average")
    item = Item(id="1", instruction=instruction, response=Response(text=text))
    asked_once = [one async for one in verifier.verify([item])]
    await verifier.close()
    assert asked_once[0].verdicts[0].status == status
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"instruction": instruction.model_dump(mode="json"), "response": text}))
    (scored,) = await asyncio.to_thread(lambda: list(score(read_rows(file))))
    assert scored.verdicts[0].status == status


def test_it_is_a_hard_term() -> None:
    constraints = (asked("42", "number"), RuleConstraint(text="No commas.", rule="punctuation:no_comma"))
    instruction = Instruction(id="1", prompt="How many?", constraints=constraints)
    assert verify(instruction, "The answer is 42").reward.value == 1.0
    assert verify(instruction, "Well, the answer is 42").reward.value == 0.0
    assert verify(instruction, "The answer is 42", formula="hard-only").reward.terms == {"hard": 1.0}


def test_a_worker_that_cannot_be_asked_is_an_error_and_no_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> bool:
        raise MathsError("the process that compares expressions ended (signal 9)")

    monkeypatch.setattr(Worker, "same", down)
    verification = verify("How many?", "\\boxed{x+1}", [asked("1+x", "math")])
    assert verification.verdicts[0].status is Status.ERROR
    assert verification.reward.value is None


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maths, "version", lambda: "none")
    with pytest.raises(MathsError, match=r"verif\[answers\]"):
        Worker().same("x", "y")


@pytest.mark.parametrize(
    ("constraint", "problem"),
    [
        (asked(" ", "text"), "the reference is empty"),
        (asked("about ten", "number"), "is no number"),
        (asked("none of these", "choice"), "names no choice"),
        (asked("03/04/2021", "date"), "is no date, or one of two"),
        (asked("\\frac{1}{2", "math"), "is no expression"),
        (asked("x" * 3000, "text"), "at most 2,000"),
        (asked("1", "number", alternatives=["2", "many"]), "'many' is no number"),
    ],
)
def test_a_reference_at_fault_is_refused_where_it_is_read(
    constraint: ReferenceConstraint, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem):
        check_reference(constraint)
    instruction = Instruction(id="1", prompt="How many?", constraints=(constraint,))
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"instruction": instruction.model_dump(mode="json"), "response": "x"}))
    with pytest.raises(
        InputError, match=r"rows\.jsonl, row 1, field 'constraints\.0\.(answer|alternatives\.1)'"
    ):
        list(read_rows(file))


def test_the_identity_names_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Verifier().identity
    monkeypatch.setattr(maths, "version", lambda: "math-verify==9")
    assert Verifier().identity != before
