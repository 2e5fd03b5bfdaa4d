"""Questions with a reference answer as data: how the answer is to be marked, and responses whose truth is known.

A policy that is not told how to end is scored on its habits. The words are added where a question is asked, for training
and evaluation alike; a row itself keeps its question, so that published responses still join by it.
"""

from __future__ import annotations

from verif.core.answers.number import read_number
from verif.core.instruction_files import last_turn, with_last_turn
from verif.data.splits import GoldenItem
from verif.types import Comparison, Instruction, ReferenceConstraint

_BOX, _CUE = "Put the final answer into \\boxed{}.", 'End with "The answer is" and the {}.'
ASKS: dict[Comparison, str] = {
    "math": _BOX, "number": _CUE.format("number"), "choice": _CUE.format("letter"), "text": _CUE.format("answer"),
    "set": _CUE.format("list"), "date": _CUE.format("date"),
}  # fmt: skip
_SAID = ("boxed", "####", "answer is", "final answer")
"""Words by which a question says itself how to end."""


def reference_of(instruction: Instruction) -> ReferenceConstraint | None:
    """The first reference among the constraints."""
    return next((c for c in instruction.constraints if isinstance(c, ReferenceConstraint)), None)


def asking(instruction: Instruction) -> Instruction:
    """The instruction with the way to mark its answer, unless it has no reference or says so itself."""
    reference = reference_of(instruction)
    if reference is None or any(words in instruction.prompt.lower() for words in _SAID):
        return instruction
    return with_last_turn(instruction, f"{last_turn(instruction)}\n\n{ASKS[reference.compare]}")


def golden(instruction: Instruction) -> list[GoldenItem]:
    """For an instruction that is one reference: its answer as it would be given, and one that is as near as wrong can be.

    Other kinds than numbers and choices have no near miss that is known to be wrong; they give the right one alone.
    """
    reference = reference_of(instruction)
    if reference is None or len(instruction.constraints) > 1:
        return []
    answers = [(reference.answer, True)]
    number = read_number(reference.answer) if reference.compare in ("number", "math") else None
    if reference.compare == "choice":
        answers.append(("B" if "A" in reference.answer.upper() else "A", False))
    elif number is not None:
        answers.append((str(number.value + 1), False))
    return [GoldenItem(instruction, _said(reference, answer), [truth]) for answer, truth in answers]


def _said(reference: ReferenceConstraint, answer: str) -> str:
    return (
        f"We work it out. \\boxed{{{answer}}}" if reference.compare == "math" else f"The answer is {answer}"
    )
