"""What IFBench's families share: parameters, and words without ASCII punctuation."""

from __future__ import annotations

import string

from verif.core.rules.params import Count, Ordinal, Percentage, Phrase
from verif.core.rules.registry import Outcome, Params

PUNCTUATION = string.punctuation
EDGES = PUNCTUATION + " "
_WITHOUT = str.maketrans("", "", PUNCTUATION)


class Number(Params):
    """A number."""

    N: Count


class Nth(Params):
    """A place or a distance, from 1."""

    N: Ordinal


class Small(Params):
    """A small number."""

    small_n: Count


class Percent(Params):
    """A share in percent."""

    percentage: Percentage


class Keyword(Params):
    """A keyword, taken literally."""

    keyword: Phrase


def bare(text: str) -> str:
    """The text without ASCII punctuation: "well-known" becomes "wellknown", "1,000" becomes "1000"."""
    return text.translate(_WITHOUT)


def counted(count: int, ok: bool, what: str, asked: object) -> Outcome:
    """A count against what was asked, with the count as evidence."""
    return Outcome(ok, f"{count} {what}, {asked} asked", {"count": count})
