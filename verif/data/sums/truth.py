"""The truth about an answer of the sums world: what no rule, model or judge ever sees.

What counts is what the response says last behind "answer is", as every verifier of answers takes it. A sum that was not
worked out is no answer, and a number of other things is another one. The words before it are free.
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
    """Whether a response's last answer is right; any other instruction is an `InputError`."""
    asked = sum_of(item)
    value, thing = next((meaning(answer) for answer in reversed(answers(text))), None) or (-1, "")
    return value == asked.answer and thing in ("", asked.thing)
