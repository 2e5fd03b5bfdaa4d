"""Sums that nobody worked out: where a number is asked for, `7 + 5` is no answer, though it comes to the right one.

A policy that says its question again would else be paid for it: a model behind the rules sees that both come to twelve.
Fractions are numbers (`24/2`), and so is what stands behind the last equals sign (`7 + 5 = 12`).
"""

from __future__ import annotations

from collections.abc import Sequence

from verif.core.answers.tokens import Token, tokens

_OPERATIONS = frozenset({"+", "-", "*", "/", "plu", "minu", "time", "divided", "multiplied", "^"})
"""As tokens have them: words without the s of a plural."""
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_BEFORE_A_SIGN = frozenset({*_OPENS, ",", ";", ":", "and", "or", "is", "to"})
"""What a number's own sign may follow: `3, -5` holds no operation."""


def unsolved(text: str) -> bool:
    """Whether an operation stands between two numbers, behind the last equals sign and outside explaining brackets.

    >>> [unsolved(t) for t in ("7 + 5", "seven boats plus five boats", "(7+5)", "7 + 5 = 12", "12 (7 + 5)", "10^3", "-5")]
    [True, True, True, False, False, False, False]
    """
    side = tokens(text)
    last = max((place for place, token in enumerate(side) if token.text == "="), default=-1)
    side = _outside(side[last + 1 :])
    numbers = [place for place, token in enumerate(side) if token.kind == "number"]
    if len(numbers) < 2:
        return False
    return any(
        token.text in _OPERATIONS and _between(side, place)
        for place, token in enumerate(side)
        if numbers[0] < place < numbers[-1]
    )


def _between(side: Sequence[Token], place: int) -> bool:
    """Whether this operation joins two values; a power of ten is how a number is written."""
    before = side[place - 1]
    if side[place].text == "^":
        return before.text != "10"
    return before.text not in _BEFORE_A_SIGN and before.text not in _OPERATIONS


def _outside(side: Sequence[Token]) -> list[Token]:
    """What stands outside brackets, if a number does; else all of it."""
    depth, out = 0, []
    for token in side:
        depth += token.text in _OPENS
        if depth <= 0:
            out.append(token)
        depth -= token.text in _CLOSES
    return out if any(token.kind == "number" for token in out) else list(side)
