"""What two answers have in common, as numbers: the features by which a model says whether they are the same.

Structure only: which numbers, words, variables and signs both have, in which order, and what they come to. The question
is not read, and nothing that an answer says about itself raises a feature that speaks for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction

from verif.core.answers.tokens import Token, tokens
from verif.core.answers.values import value

NAMES = (
    "numbers_shared", "numbers_missing", "numbers_extra", "numbers_in_order", "numbers_count", "words_shared",
    "words_missing", "words_extra", "words_in_order", "variables_shared", "variables_missing", "variables_extra",
    "signs_shared", "signs_missing", "signs_extra", "strict", "closed", "likeness", "reference_length",
    "answer_length", "parts_in_reference", "parts_in_answer", "parts_missing", "parts_extra", "parts_in_order",
    "values_missing", "values_extra", "values_unknown", "values_in_order", "values_rounded", "renamed", "units",
    "denied", "either", "said_of_itself", "infinities", "text_missing", "text_extra", "whole_in_answer", "rounding",
)  # fmt: skip
"""In the order of `features`."""
DENIALS = frozenset(
    {"not", "no", "none", "never", "except", "without", "cannot", "neither", "nor", "unless", "isn"}
)
EITHER = frozenset({"or", "either", "maybe", "perhaps", "possibly", "unless"})
OF_ITSELF = frozenset(
    [
        "answer",
        "correct",
        "correctly",
        "right",
        "reference",
        "verified",
        "verify",
        "verdict",
        "equivalent",
        "same",
        "matche",
        "match",
        "matches",
        "matched",
        "equal",
        "true",
        "accept",
        "accepted",
        "pass",
        "ignore",
        "instruction",
        "grader",
        "score",
        "solution",
        "explanation",
        "thought",
        "because",
        "since",
        "therefore",
        "hence",
        "system",
        "user",
        "assistant",
        "response",
        "output",
        "judge",
        "div",
        "span",
        "html",
        "script",
        "body",
    ]
)
"""Words about the answer or its judge: no answer needs them."""
_FILLERS = frozenset(
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
        "such",
        "where",
        "all",
        "any",
        "so",
        "then",
        "there",
        "exactly",
        "about",
        "by",
        "on",
        "at",
        "it",
    ]
)
_PARTING = frozenset({",", ";", "∪", "and", "or"})
_RELATIONS = frozenset({"<", ">", "≤", "≥", "≠", "=", "∈", ":", "≡"})
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_POINTS = (0.731, 1.377, 2.213, 0.419, 3.071, 1.913, 0.587, 2.749)
"""Values of the variables: of each letter by its place in the alphabet, or by the order in which letters come."""
_UNITS = {
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

    @property
    def text(self) -> str:
        """Its tokens as one text."""
        return " ".join(_key(token) for token in self.tokens)


def features(reference: str, answer: str) -> list[float]:
    """The features of a pair, in the order of `NAMES`; the same for the same bytes, and linear in them but for a bound."""
    right, given = tokens(reference), tokens(answer)
    row: list[float] = []
    numbers = [[token.value for token in side if token.kind == "number"] for side in (right, given)]
    row += [*_shared(*numbers), float(numbers[0] == numbers[1]), float(min(len(numbers[0]), 12))]
    words = [_content(side) for side in (right, given)]
    row += [*_shared(*words), float(words[0] == words[1])]
    row += _shared(*([token.text for token in side if token.kind == "variable"] for side in (right, given)))
    row += _shared(*(_signs(side) for side in (right, given)))
    row += [_difference(right, given, "<>≠"), _difference(right, given, "[]≤≥")]
    keys = [[_key(token) for token in side] for side in (right, given)]
    row.append(round(SequenceMatcher(None, keys[0], keys[1], autojunk=False).ratio(), 6))
    row += [float(min(len(right), 60)), float(min(len(given), 60))]
    return row + _of_parts(right, given) + _of_words(right, given)


def _of_parts(right: Sequence[Token], given: Sequence[Token]) -> list[float]:
    """How the parts of both answers, and what these come to, agree."""
    parts = [_parts(side, by_order=False) for side in (right, given)]
    texts = [[part.text for part in side] for side in parts]
    _, missing, extra = _shared(*texts)
    values = [[number for part in side for number in part.values] for side in parts]
    known = [[number for number in side if number is not None] for side in values]
    unknown = sum(number is None for side in values for number in side)
    exact = _apart(known[0], known[1], 1e-9)
    rounded = _apart(known[0], known[1], 5e-3)
    in_order = len(known[0]) == len(known[1]) and all(_near(a, b, 1e-9) for a, b in zip(*known, strict=True))
    renamed = [
        [number for part in _parts(side, by_order=True) for number in part.values] for side in (right, given)
    ]
    also = (
        None not in renamed[0]
        and None not in renamed[1]
        and len(renamed[0]) == len(renamed[1])
        and all(_near(a or 0, b or 0, 1e-9) for a, b in zip(*renamed, strict=True))
    )
    return [
        float(min(len(texts[0]), 10)), float(min(len(texts[1]), 10)), missing, extra, float(texts[0] == texts[1]),
        exact[0], exact[1], float(min(unknown, 6)), float(in_order and bool(known[0])), rounded[0] + rounded[1],
        float(also and bool(renamed[0])), _units(right, given),
    ]  # fmt: skip


def _of_words(right: Sequence[Token], given: Sequence[Token]) -> list[float]:
    """Denials, choices left open and talk about the answer that only one side has, and the texts without layout."""
    sides = [Counter(token.text for token in side if token.kind == "word") for side in (right, given)]
    row = [
        float(sum((sides[1] - sides[0])[word] + (sides[0] - sides[1])[word] for word in sorted(kind)))
        for kind in (DENIALS, EITHER)
    ]
    row.append(float(sum((sides[1] - sides[0])[word] for word in sorted(OF_ITSELF))))
    row.append(float(sum(t.text == "∞" for t in given) - sum(t.text == "∞" for t in right)))
    letters = [
        Counter("".join(_key(token) for token in side if token.kind != "sign")) for side in (right, given)
    ]
    row += [
        float(min((letters[0] - letters[1]).total(), 30)),
        float(min((letters[1] - letters[0]).total(), 30)),
    ]
    plain = [
        "".join(_key(token) for token in side if token.text not in ("{", "}", "(", ")"))
        for side in (right, given)
    ]
    row.append(float(bool(plain[0]) and plain[0] in plain[1]))
    numbers = [[token for token in side if token.kind == "number"] for side in (right, given)]
    return [*row, _rounding(numbers[0], numbers[1])]


def _rounding(right: Sequence[Token], given: Sequence[Token]) -> float:
    """How many numbers of one side are those of the other with fewer places; -1 where others differ."""
    if len(right) != len(given):
        return -1.0
    rounded = 0
    for one, other in zip(right, given, strict=True):
        if one.value == other.value:
            continue
        places = min((len(token.text.partition(".")[2]) for token in (one, other)), default=0)
        if not places or abs(one.value - other.value) > Fraction(1, 2 * 10**places):
            return -1.0
        rounded += 1
    return float(rounded)


def _key(token: Token) -> str:
    return str(token.value) if token.kind == "number" else token.text


def _content(side: Sequence[Token]) -> list[str]:
    return [token.text for token in side if token.kind == "word" and token.text not in _FILLERS]


def _signs(side: Sequence[Token]) -> list[str]:
    """Signs that mean something: not the commas, brackets and equals signs of a list with labels."""
    return [token.text for token in side if token.kind == "sign" and token.text not in ",;:={}()[]*"]


def _shared(right: Sequence[object], given: Sequence[object]) -> list[float]:
    """Share of common members among all, and how many are missing and extra, of eight at most."""
    a, b = Counter(right), Counter(given)
    everything = (a | b).total()
    share = (a & b).total() / everything if everything else 1.0
    return [round(share, 6), float(min((a - b).total(), 8)), float(min((b - a).total(), 8))]


def _difference(right: Sequence[Token], given: Sequence[Token], signs: str) -> float:
    count = sum(token.text in signs for token in given) - sum(token.text in signs for token in right)
    return float(max(-6, min(6, count)))


def _parts(side: Sequence[Token], *, by_order: bool) -> list[Part]:
    """The parts of a list; `by_order` gives the variables values by the order in which they come."""
    names = list(dict.fromkeys(token.text for token in side if token.kind == "variable"))
    variables = {
        name: _POINTS[(place if by_order else ord(name.lower()) * 7 + name.isupper()) % len(_POINTS)]
        for place, name in enumerate(names)
    }
    return [
        Part(piece, tuple(_values(piece, variables)))
        for piece in map(_unlabelled, _split(list(side)))
        if piece
    ]


def _split(side: list[Token]) -> list[list[Token]]:
    """Between commas, "and", "or" outside brackets; without one bracket around it all."""
    side = [token for token in side if token.text not in _FILLERS or token.text == "and"]
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
    """What stands behind the last equals sign or colon of a part."""
    for place in range(len(part) - 1, -1, -1):
        if part[place].text in ("=", ":") and place + 1 < len(part):
            return tuple(part[place + 1 :])
    return tuple(part)


def _values(part: Sequence[Token], variables: dict[str, float]) -> list[float | None]:
    """Of a pair or triple each member's value, else that of the whole; words behind a number are its unit."""
    if part and part[0].text in _OPENS and part[-1].text in _CLOSES and len(part) > 2:
        inner = _split(list(part))
        if len(inner) > 1:
            return [number for piece in inner for number in _values(_unlabelled(piece), variables)]
    bare = [token for token in part if token.kind != "word" and token.text not in ("°", "%")]
    return [value(bare, variables)]


def _near(a: float, b: float, within: float) -> bool:
    return math.isclose(a, b, rel_tol=within, abs_tol=1e-12)


def _apart(right: Sequence[float], given: Sequence[float], within: float) -> tuple[float, float]:
    """How many values of each side have no partner on the other."""
    left, missing = sorted(given)[:40], 0
    for number in sorted(right)[:40]:
        partner = next((place for place, other in enumerate(left) if _near(number, other, within)), None)
        if partner is None:
            missing += 1
        else:
            del left[partner]
    return float(min(missing, 8)), float(min(len(left), 8))


def _units(right: Sequence[Token], given: Sequence[Token]) -> float:
    """1 where two measures are equal when converted, -1 where they are not, 0 where there are no two."""
    measures = [_measure(side) for side in (right, given)]
    if measures[0] is None or measures[1] is None:
        return 0.0
    return 1.0 if measures[0] == measures[1] else -1.0


def _measure(side: Sequence[Token]) -> tuple[str, Fraction] | None:
    """Kind and size of a number with a unit behind it."""
    numbers = [token.value for token in side if token.kind == "number"]
    units = [token.text for token in side if token.text in _UNITS]
    if len(numbers) != 1 or len(units) != 1:
        return None
    kind, size = _UNITS[units[0]]
    return kind, numbers[0] * size
