"""Two ways to write one answer that differ in their form only: labels, lists, intervals and inequalities.

Only equal parts make equal answers: a part is equal as a number or letter for letter. What this does not see goes on
to the comparison of expressions, so nothing is failed here.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from itertools import pairwise

from verif.core.answers.brackets import change, split_outside
from verif.core.answers.number import read_number, rounded, same_number

_LABEL = re.compile(
    r"(?:\\?[A-Za-z][A-Za-z0-9_{}\\]{0,20}(?:\([A-Za-z0-9]{1,4}\))?)\s{0,4}(?:=|:)\s{0,4}(?![=:])"
)
_TEXT = re.compile(r"\\(?:text|mathrm)\{([^{}]{0,60})\}")
_NAME = r"\\?[A-Za-z]{1,10}"
_BETWEEN = re.compile(rf"([^<>≤≥]{{1,80}})(<|≤)({_NAME})(<|≤)([^<>≤≥]{{1,80}})")
_ONE_SIDE = re.compile(rf"({_NAME})(<|≤|>|≥)([^<>≤≥]{{1,80}})")
_SUCH_THAT = re.compile(r"\\\{[A-Za-z](?:\||\\mid)([^{}]{1,200})\\\}")
_INFINITY = "\\infty"
_LISTED = re.compile(r"[(\[{]|[)\]}]|;|,(?!\d{3}(?!\d))| or | / ")
"""Brackets, and what parts a list; a comma before three figures is one number's."""


def alike(reference: str, answer: str) -> bool:
    """Whether two expressions without blanks say the same in another form.

    >>> alike("(-\\\\infty,-5)", "k<-5"), alike("16,3,1", "w=16,d=3,a=1"), alike("1,3", "3,1"), alike("(1,3)", "(3,1)")
    (True, True, False, False)
    """
    left, right = _union(reference), _union(answer)
    if left is not None and left == right:
        return True
    left_named, right_named = _named(reference), _named(answer)
    if left_named and left_named.keys() == right_named.keys():
        return left_named == right_named
    ordered = _parts(reference), _parts(answer)
    if len(ordered[0]) != len(ordered[1]) or not ordered[0]:
        return False
    if ordered[0] == ordered[1]:
        return True
    return _is_set(reference) and _is_set(answer) and Counter(ordered[0]) == Counter(ordered[1])


def contradict(reference: str, answer: str) -> bool:
    """Whether two lists give other values, by name or at all, or an answer says that two numbers are one.

    >>> contradict("x=1,y=2", "y=1,x=2"), contradict("x=1,y=2", "y=2,x=1"), contradict("6", "5=6"), contradict("6", "2+4=6")
    (True, False, True, False)
    """
    values = [read_number(part) for part in answer.split("=")]
    numbers = [value for value in values if value is not None and not value.unit]
    for earlier, later in pairwise(numbers):
        places = earlier.places or later.places
        rounded = Fraction(1, 10**places) if places else 0
        if not (same_number(earlier, later) or abs(earlier.value - later.value) <= rounded):
            return True
    left, right = _named(reference), _named(answer)
    if len(left) > 1 and left.keys() == right.keys() and left != right:
        return True
    return _counted_otherwise(reference, answer)


def lists_more(reference: str, answer: str) -> bool:
    """Whether an answer, with its blanks, lists at least two things more than the reference does.

    Who compares expressions reads what it can of such a list, often the last part alone.

    >>> lists_more("5", "3 / 4 / 5"), lists_more("(1, 2, 3)", "1, 2, 3"), lists_more("9", "2, 3, 9")
    (True, False, True)
    """
    separators, depth = 0, 0
    for mark in _LISTED.findall(answer):
        depth += change(mark)
        separators += depth <= 0 and change(mark) == 0
    return separators > 1 + sum(change(mark) == 0 for mark in _LISTED.findall(reference))


def _counted_otherwise(reference: str, answer: str) -> bool:
    """Whether two lists of as many plain numbers, with units or without, have other values. Their order is left open."""
    sides = [[read_number(part) for part in split_outside(text)] for text in (reference, answer)]
    listed = [sorted((n for n in side if n is not None), key=lambda n: n.value) for side in sides]
    if len(sides[0]) < 2 or not len(sides[0]) == len(sides[1]) == len(listed[0]) == len(listed[1]):
        return False
    return not all(
        same_number(left, right) or left.value == right.value or rounded(left, right)
        for left, right in zip(*listed, strict=True)
    )


def _named(text: str) -> dict[str, str]:
    """The values of a list whose parts all have names; empty for any other."""
    named = {}
    parts = split_outside(text)
    for part in parts:
        match = _LABEL.match(part)
        if match is None or match.end() == len(part):
            return {}
        named[match[0].rstrip("=: ")] = _atom(part[match.end() :])
    return named if len(named) == len(parts) else {}


def _atom(text: str) -> str:
    number = read_number(text)
    if number is not None and not number.unit and not number.percent:
        return str(number.value)
    return text


def labelless(text: str) -> str:
    """An expression without the name that it is given: `x = 2` is 2, `f(n) = n + 1` is n + 1."""
    match = _LABEL.match(text)
    return text[match.end() :] if match and match.end() < len(text) else text


def _is_set(text: str) -> bool:
    return text.startswith("\\{") and text.endswith("\\}")


def _parts(text: str) -> list[str]:
    """What stands between the commas outside brackets, without labels and without one bracket around it all."""
    text = labelless(_TEXT.sub(r"\1", text))
    if _is_set(text):
        text = text[2:-2]
    return [_atom(labelless(part)) for part in split_outside(text)]


def _union(text: str) -> list[tuple[str, str, str, str]] | None:
    """The intervals of a union in their order; None for anything else."""
    text = _TEXT.sub(lambda match: "∪" if match[1].strip() == "or" else match[0], text)
    intervals = [_interval(part) for part in text.replace("\\cup", "∪").replace("∞", _INFINITY).split("∪")]
    return None if None in intervals else [interval for interval in intervals if interval is not None]


def _interval(text: str) -> tuple[str, str, str, str] | None:
    """Brackets and ends of an interval or an inequality of one name; None for anything else."""
    if match := _SUCH_THAT.fullmatch(text):
        text = match[1]
    text = (
        text.replace("\\leqslant", "≤")
        .replace("\\geqslant", "≥")
        .replace("\\le", "≤")
        .replace("\\ge", "≥")
        .replace("\\lt", "<")
        .replace("\\gt", ">")
    )
    if match := _BETWEEN.fullmatch(text):
        low, left, _, right, high = match.groups()
        return ("[" if left == "≤" else "(", _atom(low), _atom(high), "]" if right == "≤" else ")")
    if match := _ONE_SIDE.fullmatch(text):
        _, sign, end = match.groups()
        if sign in "<≤":
            return ("(", f"-{_INFINITY}", _atom(end), "]" if sign == "≤" else ")")
        return ("[" if sign == "≥" else "(", _atom(end), _INFINITY, ")")
    if len(text) > 2 and text[0] in "([" and text[-1] in ")]":
        inner = text[1:-1]
        low, comma, high = inner.partition(",")
        if comma and low and high and not set(high) & set(",()[]") and not set(low) & set("()[]"):
            return (
                text[0],
                _atom(low.replace("+\\infty", _INFINITY)),
                _atom(high.replace("+\\infty", _INFINITY)),
                text[-1],
            )
    return None
