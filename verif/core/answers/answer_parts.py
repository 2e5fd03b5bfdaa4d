"""The parts of an answer: what stands between its commas, without labels, and what each comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from verif.core.answers.functions import FUNCTIONS
from verif.core.answers.tokens import Token
from verif.core.answers.values import value

FILLERS = frozenset(
    [
        "the",
        "a",
        "an",
        "is",
        "are",
        "be",
        "of",
        "to",
        "in",
        "for",
        "and",
        "with",
        "that",
        "where",
        "all",
        "any",
        "so",
        "then",
        "there",
        "about",
        "by",
        "on",
        "at",
        "it",
        "must",
        "exactly",
        "such",
        "total",
        "number",
        "value",
        "solution",
        "every",
        "we",
        "get",
        "have",
        "this",
        "these",
        "those",
        "which",
        "when",
        "take",
        "would",
        "approximately",
        "form",
    ]
)
"""Words around an answer that are none of it."""
_PARTING = frozenset({",", ";", "∪", "and", "or"})
_COMPARED = frozenset("<>≤≥")
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_WITH_VALUE = FUNCTIONS.keys() | {"binom"}
"""Words of an expression; as a part's last word they are a unit (`45 sec`)."""
_APPLIED = _WITH_VALUE | {"max", "min", "gcd", "lcm", "mod"}
_GOLDEN = 0.6180339887498949
"""Its multiples are well apart: the values of the variables, by their letters or by the order in which they come."""
_SIZES = {
    "mm": ("length", Fraction(1, 1000)), "cm": ("length", Fraction(1, 100)), "m": ("length", Fraction(1)),
    "km": ("length", Fraction(1000)), "metre": ("length", Fraction(1)), "meter": ("length", Fraction(1)),
    "centimeter": ("length", Fraction(1, 100)), "centimetre": ("length", Fraction(1, 100)),
    "kilometer": ("length", Fraction(1000)), "kilometre": ("length", Fraction(1000)), "inch": ("inch", Fraction(1)),
    "foot": ("inch", Fraction(12)), "feet": ("inch", Fraction(12)), "second": ("time", Fraction(1)),
    "sec": ("time", Fraction(1)), "minute": ("time", Fraction(60)), "min": ("time", Fraction(60)),
    "hour": ("time", Fraction(3600)), "day": ("time", Fraction(86400)), "g": ("mass", Fraction(1)),
    "gram": ("mass", Fraction(1)), "kg": ("mass", Fraction(1000)), "kilogram": ("mass", Fraction(1000)),
    "cent": ("money", Fraction(1)), "dollar": ("money", Fraction(100)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between two commas, without its label: its tokens and what they come to."""

    tokens: tuple[Token, ...]
    values: tuple[float | None, ...]
    label: str = ""

    @property
    def group(self) -> tuple[str, ...]:
        """Its values together, to nine digits; empty where one of them is not known."""
        return tuple("" if n is None else f"{n:.9g}" for n in self.values) if None not in self.values else ()

    @property
    def text(self) -> str:
        """Its tokens as one text."""
        return " ".join(key(token) for token in self.tokens)


def variables_of(side: Sequence[Token], *, by_order: bool) -> dict[str, float]:
    """Values for the variables of a side, by their letters or by the order in which they come; `e` has its own."""
    names = list(dict.fromkeys(token.text for token in side if token.kind == "variable"))
    return {
        name: 0.4 + 3 * (((place + 1 if by_order else ord(name)) * _GOLDEN) % 1)
        for place, name in enumerate(names)
    } | {"e": math.e}


def unfilled(side: Sequence[Token]) -> list[Token]:
    """Without the words around an answer."""
    return [
        token for token in side if token.kind != "word" or token.text not in FILLERS or token.text == "and"
    ]


def parts_of(side: Sequence[Token], *, by_order: bool) -> list[Part]:
    """The parts of a list; `by_order` gives the variables values by the order in which they come."""
    variables = variables_of(side, by_order=by_order)
    out = []
    for whole in _split(list(side)):
        piece = _unlabelled(whole)
        if piece:
            name = "".join(token.text for token in whole[: len(whole) - len(piece)] if token.kind != "word")
            out.append(Part(piece, tuple(_values(piece, variables)), name.rstrip("=:")))
    return out


def _split(side: list[Token]) -> list[list[Token]]:
    """Between commas, "and", "or" outside brackets; without one bracket around it all."""
    side = unfilled(side)
    if len(side) > 2 and side[0].text in _OPENS and side[-1].text in _CLOSES and _closed_by_last(side):
        inner = _split(side[1:-1])
        return inner if len(inner) > 1 else [side]
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in side:
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth <= 0 and token.text in _PARTING:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _closed_by_last(side: Sequence[Token]) -> bool:
    depth = 0
    for place, token in enumerate(side):
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth == 0:
            return place == len(side) - 1
    return False


def _unlabelled(part: Sequence[Token]) -> tuple[Token, ...]:
    """What stands behind the first equals sign or colon, where only a name stands before it; else the whole part."""
    for place, token in enumerate(part):
        if token.text in ("=", ":", "∈"):
            return tuple(part[place + 1 :] if place + 1 < len(part) and _is_name(part[:place]) else part)
    return tuple(part)


def _is_name(side: Sequence[Token]) -> bool:
    """Whether this names a value: words, at most a variable outside brackets, its index and arguments; no expression.

    Nothing is a name, too: it is what is left of `the value =`.
    """
    depth = variables = 0
    for before, token in zip((None, *side), side, strict=False):
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if token.kind == "number":
            if before is None or before.text not in ("_", "{"):
                return False
        elif token.kind == "word":
            if token.text in _APPLIED:
                return False
        elif token.kind == "sign":
            if token.text not in "(){}_,∈'":
                return False
        elif depth <= 0 and not (before is not None and before.text == "_"):
            variables += 1
    return variables <= 1 and (not side or any(token.kind in ("word", "variable") for token in side))


def _values(part: Sequence[Token], variables: dict[str, float]) -> list[float | None]:
    """Of a pair or triple each member's value, else that of the whole; words behind a number are its unit."""
    if part and part[0].text in _OPENS and part[-1].text in _CLOSES and len(part) > 2:
        inner = _split(list(part))
        if len(inner) > 1:
            return [number for piece in inner for number in _values(_unlabelled(piece), variables)]
    bounds = _bounds(part)
    if len(bounds) > 1:
        return [number for piece in bounds for number in _values(piece, variables)]
    bare = [
        token
        for place, token in enumerate(part, 1)
        if (token.kind != "word" or (token.text in _WITH_VALUE and place < len(part)))
        and token.text not in ("°", "%")
    ]
    return [value(bare, variables)]


def _bounds(part: Sequence[Token]) -> list[list[Token]]:
    """What stands between the signs of an inequality, without the name that it bounds."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in part:
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth == 0 and token.text in _COMPARED:
            pieces.append([])
        else:
            pieces[-1].append(token)
    named = [piece for piece in pieces if not (len(piece) == 1 and piece[0].kind == "variable")]
    return named if len(pieces) > 1 and len(named) < len(pieces) else [list(part)]


def measures_agree(right: Sequence[Token], given: Sequence[Token]) -> float:
    """1 where two measures are equal when converted, -1 where they are not, 0 where there are no two."""
    measures = [_measure(side) for side in (right, given)]
    if measures[0] is None or measures[1] is None:
        return 0.0
    return 1.0 if measures[0] == measures[1] else -1.0


def _measure(side: Sequence[Token]) -> tuple[str, Fraction] | None:
    """Kind and size of a number with a unit behind it."""
    numbers = [token.value for token in side if token.kind == "number"]
    units = [token.text for token in side if token.text in _SIZES]
    if len(numbers) != 1 or len(units) != 1:
        return None
    kind, size = _SIZES[units[0]]
    return kind, numbers[0] * size


def key(token: Token) -> str:
    """What a token is known by: a number by its value."""
    return str(token.value) if token.kind == "number" else token.text
