"""Types that the rules' parameters share. A wrong value is found when a row is loaded, never when it is checked."""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Relation = Literal["less than", "at least"]

_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)


def _number(value: Any) -> Any:
    """Counts are numbers: no booleans, no numeric strings; 3.0 (as parquet gives it) is 3."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


def _strip(value: str) -> str:
    return value.strip()


def _open_repeats(items: Any, inside: bool = False) -> int:
    """How many long repetitions an expression holds; 99 if one stands, or a choice stands, inside another."""
    total = 0
    for operator, argument in items:
        if operator in _REPEATS:
            long = argument[1] > 64
            if inside and argument[1] > 1:
                return 99
            total += long + _open_repeats(argument[2], inside or argument[1] > 1)
        elif operator is constants.BRANCH:
            if inside:
                return 99
            total += sum(_open_repeats(branch, inside) for branch in argument[1])
        elif isinstance(argument, tuple | list):
            total += sum(
                _open_repeats(part, inside) for part in argument if isinstance(part, parser.SubPattern)
            )
    return total


@lru_cache(maxsize=8192)
def _expression(value: str) -> str:
    """Upstream reads keywords as regular expressions; one that cannot be compiled, or may never end, is refused."""
    try:
        for usage in (value, rf"\b{value}\b", rf"\s?{value}\s?\d+"):
            re.compile(usage)
        repeats = _open_repeats(parser.parse(value))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"is read as a regular expression, and {value!r} is not one ({error}); escape it"
        ) from None
    if repeats > 2:
        raise ValueError(f"is read as a regular expression, and {value!r} may take for ever; escape it")
    return value


@lru_cache(maxsize=8192)
def compiled(expression: str, ignore_case: bool = True) -> re.Pattern[str]:
    """The compiled form of a validated expression."""
    return re.compile(expression, re.IGNORECASE if ignore_case else 0)


def holds(count: int, relation: Relation, threshold: int) -> bool:
    """`count` less than, or at least, `threshold`."""
    return count < threshold if relation == "less than" else count >= threshold


MOST = 2**63 - 1  # what JSON readers and parquet can hold
Count = Annotated[int, BeforeValidator(_number), Field(ge=0, le=MOST)]
Ordinal = Annotated[int, BeforeValidator(_number), Field(ge=1, le=MOST)]
Phrase = Annotated[str, AfterValidator(_strip), Field(min_length=1)]
Expression = Annotated[str, AfterValidator(_strip), Field(min_length=1), AfterValidator(_expression)]
RawExpression = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
