"""Parameters of M-IFEval: IFEval's names, with relations in the language of the prompts."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from verif.core.rules.params import Count, Expression, Splitter
from verif.core.rules.registry import Outcome, Params

Spanish = Literal["al menos", "como máximo"]
French = Literal["moins de", "au moins"]
Japanese = Literal["未満", "以上"]
R = TypeVar("R")

_HOLDS = {
    "al menos": int.__ge__, "como máximo": int.__le__, "moins de": int.__lt__, "au moins": int.__ge__, "未満": int.__lt__,
    "以上": int.__ge__,
}  # fmt: skip


class Words(Params, Generic[R]):
    """A relation and a number of words."""

    num_words: Count
    relation: R


class Sentences(Params, Generic[R]):
    """A relation and a number of sentences."""

    num_sentences: Count
    relation: R


class Frequency(Params, Generic[R]):
    """One keyword, read as a regular expression, a relation and a number of occurrences."""

    keyword: Expression
    frequency: Count
    relation: R


class Letters(Params, Generic[R]):
    """One character, a relation and a number of occurrences."""

    letter: Annotated[str, Field(min_length=1, max_length=1)]
    let_frequency: Count
    let_relation: R


class Capitals(Params, Generic[R]):
    """A relation and a number of words in capitals."""

    capital_frequency: Count
    capital_relation: R


class AtLeastSections(Params):
    """At least so many sections; the relation is in the rows and changes nothing, as upstream."""

    section_spliter: Splitter
    num_sections: Count
    relation: Spanish = "al menos"


class AtLeastHighlights(Params):
    """At least so many highlighted sections; the relation is in the rows and changes nothing, as upstream."""

    num_highlights: Count
    relation: Spanish = "al menos"


class AtLeastPlaceholders(Params):
    """At least so many placeholders; the relation is in the rows and changes nothing, as upstream."""

    num_placeholders: Count
    relation: Spanish = "al menos"


def counted(count: int, what: str, relation: str, threshold: int) -> Outcome:
    """The relation holds of the count, which is kept as evidence."""
    ok = _HOLDS[relation](count, threshold)
    return Outcome(ok, f"{count} {what}, {relation} {threshold} asked", {"count": count})
