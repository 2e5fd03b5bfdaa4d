"""Regular expressions that come as parameters: read before they are compiled, and refused where they could take long.

Upstream hands a keyword to `re`, unescaped, and so do we: nothing is ever decided otherwise than `re` would. But `re`
backtracks, and an expression of forty characters can keep it busy for a lifetime. `cost` counts the steps that an
expression can take at one place of a response, over all ways to match there; what has no such bound is refused. An
open repetition (`C++`, `ha+`) is allowed for one character at the very end, where nothing after it can fail.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 1_000
"""Characters of an expression: a keyword is a word or a phrase."""
MOST = 5_000
"""Steps at one place of a response, of all expressions of a constraint together."""
_CLASSES = 1 << 18
"""Code points in the ranges of an expression: `re` walks through each of them when it compiles."""
_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)
_SINGLE = (constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN)
_ENDLESS = 10**12
_ODD = {
    ".": "is any character", "*": "repeats", "+": "repeats", "?": "makes optional", "$": "is the end", "^": "is the beginning",
    "|": "is an alternative", "(": "begins a group", "[": "begins a class of characters", "{": "may begin a number of times",
    "\\": "gives the next character a meaning",
}  # fmt: skip


class _Cost:
    """Walks a parsed expression; `ways` to match it at one place, and the `width` of the longest way."""

    def __init__(self) -> None:
        self.ranges = 0

    def sequence(self, items: Any, last: bool = False) -> tuple[int, int]:
        ways, width = 1, 0
        for position, (operator, argument) in enumerate(items):
            own = self.item(operator, argument, last and position == len(items) - 1)
            ways, width = min(ways * own[0], _ENDLESS), min(width + own[1], _ENDLESS)
        return ways, width

    def item(self, operator: Any, argument: Any, last: bool) -> tuple[int, int]:
        if operator in _REPEATS:
            least, most, body = argument
            return self.repeat(least, most, body, last)
        if operator is constants.BRANCH:
            return self.branches(argument[1])
        if operator is constants.IN:
            self.ranges += sum(av[1] - av[0] for op, av in argument if op is constants.RANGE)
            return 1, 1
        if operator is constants.GROUPREF:
            return 1, LONGEST
        if operator is constants.GROUPREF_EXISTS:
            return self.branches([part for part in argument[1:] if part is not None])
        parts = argument if isinstance(argument, tuple | list) else [argument]
        inner = [self.sequence(part) for part in parts if isinstance(part, parser.SubPattern)]
        return inner[0] if inner else (1, 1)

    def branches(self, parts: Iterable[Any]) -> tuple[int, int]:
        measured = [self.sequence(part) for part in parts]
        return min(sum(ways for ways, _ in measured) + 1, _ENDLESS), max(width for _, width in measured)

    def repeat(self, least: int, most: int, body: Any, last: bool) -> tuple[int, int]:
        ways, width = self.sequence(body)
        if most is constants.MAXREPEAT:
            if last and len(body) == 1 and body[0][0] in _SINGLE:
                return 1, least + 1
            return _ENDLESS, _ENDLESS
        if ways == 1:
            return most - least + 1, min(most * max(width, 1), _ENDLESS)
        if most > 64:
            return _ENDLESS, _ENDLESS
        return min(sum(ways**times for times in range(least, most + 1)), _ENDLESS), most * max(width, 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """What `re` may read otherwise one day ("possible nested set") is no news to whoever scores a row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@lru_cache(maxsize=8192)
def compiled(expression: str, ignore_case: bool = True) -> re.Pattern[str]:
    """The compiled form of an expression."""
    with _quiet():
        return re.compile(expression, re.IGNORECASE if ignore_case else 0)


@lru_cache(maxsize=8192)
def cost(expression: str, *, ends: bool = True) -> int:
    """Steps at one place of a text; `_ENDLESS` where there is no bound. `ends`: nothing that can fail is put after it.

    `ValueError` for what is no expression, alone or where the rules put it.
    """
    walk = _Cost()
    try:
        with _quiet():
            ways, width = walk.sequence(parser.parse(expression), ends)
        if walk.ranges <= _CLASSES:
            for usage in (expression, rf"\b{expression}\b", rf"\s?{expression}\s?\d+"):
                compiled(usage)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"is read as a regular expression, and {shown(expression)} is not one ({error}); escape it"
        ) from None
    return _ENDLESS if walk.ranges > _CLASSES else ways * max(width, 1)


@lru_cache(maxsize=8192)
def odd(keyword: str) -> str:
    """What a keyword says beside itself when it is read as a regular expression; "" for a text that is only itself.

    >>> odd("U.S."), odd("C++"), odd("lamp")
    ('"." is any character', '"+" repeats', '')
    """
    said = [f'"{mark}" {meaning}' for mark, meaning in _ODD.items() if mark in keyword]
    return ", ".join(said)


def bounded(expressions: Iterable[str], *, ends: bool = True) -> None:
    """`ValueError` if the expressions of a constraint could take long together, or are longer than words."""
    total = 0
    for expression in expressions:
        if len(expression) > LONGEST:
            raise ValueError(f"has {len(expression):,} characters; at most {LONGEST:,} are read")
        steps = cost(expression, ends=ends)
        if steps > MOST:
            raise ValueError(
                f"is read as a regular expression, and {shown(expression)} may take for ever"
                f" ({'without a bound' if steps >= _ENDLESS else f'{steps:,} steps'} at each place of a response;"
                f" at most {MOST:,} are allowed); escape it"
            )
        total += steps
        if total > MOST:
            raise ValueError(
                f"these expressions take more than {MOST:,} steps together at each place of a response"
            )


def shown(text: str) -> str:
    """A text for a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
