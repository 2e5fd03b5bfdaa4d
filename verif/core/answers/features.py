"""What two answers have in common, as numbers: the features by which a model says whether they are the same.

Structure only: which numbers, words, variables and signs both have, in which order, and what they come to. The question
is not read, and nothing that an answer says about itself raises a feature that speaks for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from fractions import Fraction

from verif.core.answers.answer_parts import (
    FILLERS,
    Part,
    key,
    measures_agree,
    parts_of,
    unfilled,
    variables_of,
)
from verif.core.answers.bounds import bounds_agree
from verif.core.answers.tokens import Token, tokens
from verif.core.answers.values import value

NAMES = (
    "numbers_shared", "numbers_missing", "numbers_extra", "numbers_in_order", "numbers_count", "words_shared",
    "words_missing", "words_extra", "words_in_order", "variables_shared", "variables_missing", "variables_extra",
    "signs_shared", "signs_missing", "signs_extra", "strict", "closed", "likeness", "reference_length",
    "answer_length", "parts_in_reference", "parts_in_answer", "parts_missing", "parts_extra", "parts_in_order",
    "values_missing", "values_extra", "values_unknown", "values_in_order", "values_rounded", "renamed", "units",
    "reference_ordered", "answer_ordered", "reference_names", "answer_names", "names_agree", "groups_missing", "groups_extra",
    "bounds_agree",
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
    keys = [[key(token) for token in side] for side in (right, given)]
    row.append(round(SequenceMatcher(None, keys[0], keys[1], autojunk=False).ratio(), 6))
    row += [float(min(len(right), 60)), float(min(len(given), 60))]
    return row + _of_parts(right, given) + _of_words(right, given)


def _of_parts(right: Sequence[Token], given: Sequence[Token]) -> list[float]:
    """How the parts of both answers, and what these come to, agree."""
    parts = [parts_of(side, by_order=False) for side in (right, given)]
    texts = [[part.text for part in side] for side in parts]
    _, missing, extra = _shared(*texts)
    values = [[number for part in side for number in part.values] for side in parts]
    known = [[number for number in side if number is not None] for side in values]
    unknown = sum(number is None for side in values for number in side)
    exact = _apart(known[0], known[1], 1e-9)
    rounded = _apart(known[0], known[1], 5e-3)
    in_order = len(known[0]) == len(known[1]) and all(_near(a, b, 1e-9) for a, b in zip(*known, strict=True))
    renamed = [
        [number for part in parts_of(side, by_order=True) for number in part.values]
        for side in (right, given)
    ]
    also = (
        None not in renamed[0]
        and None not in renamed[1]
        and len(renamed[0]) == len(renamed[1])
        and all(_near(a or 0, b or 0, 1e-9) for a, b in zip(*renamed, strict=True))
    )
    groups = _shared(*([part.group for part in side if part.group] for side in parts))[1:]
    return [
        float(min(len(texts[0]), 10)), float(min(len(texts[1]), 10)), missing, extra, float(texts[0] == texts[1]),
        exact[0], exact[1], float(min(unknown, 6)), float(in_order and bool(known[0])), rounded[0] + rounded[1],
        float(also and bool(renamed[0])), measures_agree(right, given), *_of_names(right, given, parts),
        *groups, _bounds_agree(right, given),
    ]  # fmt: skip


def _bounds_agree(right: Sequence[Token], given: Sequence[Token]) -> float:
    variables = variables_of([*right, *given], by_order=False)
    return bounds_agree(unfilled(right), unfilled(given), lambda part: value(part, variables))


def _of_names(right: Sequence[Token], given: Sequence[Token], parts: Sequence[Sequence[Part]]) -> list[float]:
    """Whether order counts (a round bracket ends it), how many names the parts have, and whether these agree."""
    ordered = [float(bool(side) and side[-1].text in (")", "]")) for side in (right, given)]
    named = [{part.label: part.text for part in side if part.label} for side in parts]
    agree = 0.0
    if named[0] and named[0].keys() == named[1].keys():
        agree = 1.0 if named[0] == named[1] else -1.0
    return [*ordered, float(min(len(named[0]), 6)), float(min(len(named[1]), 6)), agree]


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
        Counter("".join(key(token) for token in side if token.kind != "sign")) for side in (right, given)
    ]
    row += [
        float(min((letters[0] - letters[1]).total(), 30)),
        float(min((letters[1] - letters[0]).total(), 30)),
    ]
    plain = [
        "".join(key(token) for token in side if token.text not in ("{", "}", "(", ")"))
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
    for left, other in zip(right, given, strict=True):
        if left.value == other.value:
            continue
        places = min((len(token.text.partition(".")[2]) for token in (left, other)), default=0)
        if not places or abs(left.value - other.value) > Fraction(1, 2 * 10**places):
            return -1.0
        rounded += 1
    return float(rounded)


def _content(side: Sequence[Token]) -> list[str]:
    return [token.text for token in side if token.kind == "word" and token.text not in FILLERS]


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
