"""The truth about an answer of the sums world: what no rule, model or judge ever sees.

What counts is what the response says behind "answer is". Two different answers are none, a sum that was not worked
out is none, and a number of other things is another answer. The words before it are free.
"""

from __future__ import annotations

from verif.data.sums.questions import sum_of
from verif.data.sums.spelling import meaning
from verif.types import Instruction

CUE = "answer is "


def answers(text: str) -> list[str]:
    """What stands behind each cue, up to the end of its sentence.

    >>> answers("Seven plus five is twelve. The answer is 12.0.")
    ['12.0']
    """
    said = text.lower().replace("\n", " ").split(CUE)[1:]
    return [part.partition(". ")[0].strip().removesuffix(".") for part in said]


def right(item: Instruction, text: str) -> bool:
    """Whether a response gives the right answer, and only that; any other instruction is an `InputError`."""
    asked = sum_of(item)
    meanings = [meaning(answer) or (-1, "") for answer in answers(text)]
    fits = {value == asked.answer and thing in ("", asked.thing) for value, thing in meanings}
    return fits == {True}
