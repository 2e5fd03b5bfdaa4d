"""Types that the rules' parameters share. A wrong value is found when a row is loaded, never when it is checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from verif.core.rules.expressions import LONGEST, bounded
from verif.core.rules.expressions import MOST as TOGETHER

Relation = Literal["less than", "at least"]

LONG = 20_000
"""Characters of a request that must be repeated; nothing is ever asked for that is longer than a prompt."""


def _number(value: Any) -> Any:
    """Counts are numbers: no booleans, no numeric strings; 3.0 (as parquet gives it) is 3."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


def _strip(value: str) -> str:
    return value.strip()


def _expression(value: str) -> str:
    """Upstream reads a keyword as a regular expression; one that cannot be compiled, or may never end, is refused."""
    bounded([value])
    return value


def _splitter(value: str) -> str:
    """As above; the rules look for a number after it, so it must not end in an open repetition."""
    bounded([value], ends=False)
    return value


def _marker(value: str) -> str:
    """As above; upstream lower-cases it first, which makes another expression of `\\S` or `\\Z`."""
    bounded([value])
    bounded([value.lower()])
    return value


def _short(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each of many words is looked for in the whole response."""
    if sum(map(len, values)) > TOGETHER:
        raise ValueError(f"hold more than {TOGETHER:,} characters together")
    return values


def _together(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each keyword as above, and all of them together bounded too."""
    bounded(values)
    return values


def holds(count: int, relation: Relation, threshold: int) -> bool:
    """`count` less than, or at least, `threshold`."""
    return count < threshold if relation == "less than" else count >= threshold


MOST = 2**63 - 1  # what JSON readers and parquet can hold
Count = Annotated[int, BeforeValidator(_number), Field(ge=0, le=MOST)]
Percentage = Annotated[int, BeforeValidator(_number), Field(ge=0, le=100)]
Ordinal = Annotated[int, BeforeValidator(_number), Field(ge=1, le=MOST)]
_Line = Annotated[str, Field(max_length=LONGEST), AfterValidator(_strip), Field(min_length=1)]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=LONGEST), AfterValidator(_short)]
Phrase = _Line
Request = Annotated[str, Field(max_length=LONG), AfterValidator(_strip), Field(min_length=1)]
Verbatim = Annotated[str, Field(min_length=1, max_length=LONG)]
Expression = Annotated[_Line, AfterValidator(_expression)]
Splitter = Annotated[_Line, AfterValidator(_splitter)]
Marker = Annotated[_Line, AfterValidator(_marker)]
Expressions = Annotated[
    tuple[Annotated[Text, AfterValidator(_expression)], ...],
    Field(min_length=1, max_length=LONGEST),
    AfterValidator(_together),
]
