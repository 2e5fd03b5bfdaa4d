"""How a model's answers read, whatever the verdicts say: do they repeat themselves, do they copy the prompt?

Rules alone invite texts that keep them and have left their task: a phrase thirty times, the prompt's own example again. The
mean over all answers hides that; the worst tenth shows it. Pieces are four words in a row, in lower case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WORDS = 4
RISE = 0.2
"""By so much may the worst tenth grow from before to after without a warning."""


def _pieces(text: str) -> list[tuple[str, ...]]:
    words = text.lower().split()
    return [tuple(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)]


def repeated(text: str) -> float:
    """The share of a text's pieces that stood in it before; 0 for a text too short to have any.

    >>> round(repeated("the sea is wide and the sea is wide"), 2)
    0.17
    """
    pieces = _pieces(text)
    return 1 - len(set(pieces)) / len(pieces) if pieces else 0.0


def copied(prompt: str, text: str) -> float:
    """The share of a text's pieces that stand in its prompt; 0 for a text too short to have any."""
    pieces, asked = _pieces(text), set(_pieces(prompt))
    return sum(piece in asked for piece in pieces) / len(pieces) if pieces else 0.0


def worst_tenth(values: Sequence[float]) -> float:
    """The mean of the highest tenth, at least one value; 0 of none."""
    highest = sorted(values, reverse=True)[: math.ceil(len(values) / 10)]
    return sum(highest) / len(highest) if highest else 0.0


def texture(answers: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Of (prompt, answer): the worst tenth's `repeated` and `copied`."""
    return {
        "repeated_worst_tenth": worst_tenth([repeated(text) for _, text in answers]),
        "copied_worst_tenth": worst_tenth([copied(prompt, text) for prompt, text in answers]),
    }


def risen(name: str, before: dict[str, float], after: dict[str, float]) -> list[str]:
    """A line for each measure that grew by more than `RISE`; none where one of the two was not measured."""
    out = []
    for key, what in (
        ("repeated_worst_tenth", "stands in the same answer before"),
        ("copied_worst_tenth", "is copied from the prompt"),
    ):
        if key in before and key in after and after[key] - before[key] > RISE:
            out.append(
                f"{name}: in the worst tenth of the answers {after[key]:.0%} of the text {what}, {before[key]:.0%} before"
                " training. Read them before you believe the gain."
            )
    return out
