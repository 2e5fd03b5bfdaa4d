"""Questions with a right answer as training data: alone, and in one file with constraints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif import verify
from verif.data.answering import asking, golden
from verif.data.verinstruct import prepare_verinstruct
from verif.errors import InputError
from verif.recipe import VerInstructData
from verif.types import Instruction, ReferenceConstraint, RuleConstraint, Status

CHECKER = "def check_following(instruction, response):\n    return len(response.split()) <= 90"
SECTION = VerInstructData(validation=4, test=4, golden=8, rows=40, require_checker=True)


def question(n: int) -> dict[str, object]:
    return {
        "id": f"q{n}",
        "question": f"How many clips are {n} and {n}?",
        "answer": f"Twice {n}.\n#### {2 * n}",
    }


def constrained(n: int) -> dict[str, object]:
    words = {"checkers": ["[rule] Length: Use at most 90 words."], "functions": [CHECKER]}
    return {"id": f"c{n}", "prompt": f"Describe harbour {n}. Use at most 90 words.", **words}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def reference(answer: str, compare: str, prompt: str = "How many?") -> Instruction:
    asked = ReferenceConstraint.model_validate({"text": "Right.", "answer": answer, "compare": compare})
    return Instruction(id="1", prompt=prompt, constraints=(asked,))


@pytest.mark.parametrize("compare", ["number", "math", "choice", "text", "set", "date"])
def test_a_question_is_told_how_to_end_once(compare: str) -> None:
    item = reference("A" if compare == "choice" else "3", compare)
    told = asking(item)
    assert told.prompt != item.prompt
    assert asking(told) == told
    assert asking(reference("3", "number", "End with #### and the number.")).prompt.count("End") == 1
    rules = Instruction(
        id="1", prompt="Say it.", constraints=(RuleConstraint(text="", rule="punctuation:no_comma"),)
    )
    assert asking(rules) == rules


@pytest.mark.parametrize(
    ("answer", "compare", "truths"),
    [("72", "number", [True, False]), ("\\frac{1}{2}", "math", [True, False]), ("A", "choice", [True, False]),
     ("x+1", "math", [True]), ("Paris", "text", [True])],
)  # fmt: skip
def test_golden_answers_are_what_they_are_said_to_be(answer: str, compare: str, truths: list[bool]) -> None:
    made = golden(reference(answer, compare))
    assert [item.truth for item in made] == [[truth] for truth in truths]
    for item in made:
        passed = verify(item.instruction, item.response).verdicts[0].status is Status.PASS
        assert [passed] == item.truth


def test_constraints_and_questions_stand_in_one_file(tmp_path: Path) -> None:
    rows = [row for n in range(1, 21) for row in (question(n), constrained(n))]
    splits = prepare_verinstruct(write(tmp_path / "mixed.jsonl", *rows), SECTION, seed=1)
    kinds = {c.kind for item in splits.train for c in item.constraints}
    assert kinds == {"reference", "checker"}
    assert {c.kind for item in splits.golden for c in item.instruction.constraints} == {
        "reference",
        "checker",
    }
    told = [item for item in splits.train if item.constraints[0].kind == "reference"]
    assert all('End with "The answer is"' in item.prompt for item in told)
    assert not splits.quarantine


def test_a_reference_at_fault_stops_the_preparation_by_row(tmp_path: Path) -> None:
    path = write(tmp_path / "mixed.jsonl", constrained(1), {**question(2), "answer": "#### two or three"})
    with pytest.raises(InputError, match=r"mixed\.jsonl.*row 2.*'answer'"):
        prepare_verinstruct(path, SECTION, seed=1)
