"""`keywords:*_fixed`: keywords taken literally, where upstream reads them as regular expressions.

"C++" is then no C with anything behind it, "$5" can occur at all, and "U.S." is not found in "Uzso". Where a plain
rule's keyword reads as such an expression, a warning says so when its row is loaded (`verif.core.rules.expressions.odd`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from verif.core.rules import forgiving
from verif.core.rules.keywords import none_missing, none_used, occurs
from verif.core.rules.params import Count, Phrase, Relation, Texts
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc


class Keywords(Params):
    """All of these must occur."""

    keywords: Texts


class Forbidden(Params):
    """None of these may occur."""

    forbidden_words: Texts


class Frequency(Params):
    """One keyword, a relation and a number of occurrences."""

    keyword: Phrase
    frequency: Count
    relation: Relation


@lru_cache(maxsize=8192)
def _word(keyword: str) -> re.Pattern[str]:
    """The keyword with nothing of a word before or behind it; a mark at its end needs no such boundary."""
    begin = r"(?<!\w)" if keyword[:1].isalnum() else ""
    end = r"(?!\w)" if keyword[-1:].isalnum() else ""
    return re.compile(f"{begin}{re.escape(keyword)}{end}")


def _looked_for(words: tuple[str, ...]) -> list[str]:
    return [forgiving.even(word) or word for word in words]


@rule(
    "keywords:existence_fixed",
    Keywords,
    asks="Use these words: {keywords}.",
    example=({"keywords": ["C++", "U.S."]}, "C++ in the U.S. market", "C in the USSR market"),
)
def existence_fixed(doc: Doc, params: Keywords) -> Outcome:
    """Every keyword occurs somewhere, taken literally, in any case, also inside words.

    Blanks of any kind and line ends within a keyword are alike, and so are composed and decomposed letters.
    """
    text = forgiving.even(doc.text)
    looked = _looked_for(params.keywords)
    return none_missing(
        [word for word, form in zip(params.keywords, looked, strict=True) if form not in text]
    )


@rule(
    "keywords:frequency_fixed",
    Frequency,
    asks="Use {keyword} {relation} {frequency} times.",
    example=({"keyword": "$5", "frequency": 2, "relation": "at least"}, "$5 or $50", "$5 or 5$"),
)
def frequency_fixed(doc: Doc, params: Frequency) -> Outcome:
    """As above: how often the keyword occurs, without overlaps."""
    count = forgiving.even(doc.text).count(_looked_for((params.keyword,))[0])
    return occurs(params.keyword, count, params.relation, params.frequency)


@rule(
    "keywords:forbidden_words_fixed",
    Forbidden,
    asks="Do not use these words: {forbidden_words}.",
    example=({"forbidden_words": ["C++"]}, "C is a language.", "I like C++, a language."),
)
def forbidden_words_fixed(doc: Doc, params: Forbidden) -> Outcome:
    r"""No forbidden word occurs as a word, taken literally: `\b` finds no "C++" before a blank, this does."""
    text = forgiving.even(doc.text)
    looked = _looked_for(params.forbidden_words)
    return none_used(
        [word for word, form in zip(params.forbidden_words, looked, strict=True) if _word(form).search(text)]
    )
