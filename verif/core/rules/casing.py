"""`change_case:*`: capitals and lower case.

Upstream asks langdetect too whether the text is English; a text without a detectable language follows.
Words in capitals are counted among NLTK's tokens, so "I'M" counts two and "well-KNOWN" none.
"""

from __future__ import annotations

import re

from verif.core.rules import forgiving
from verif.core.rules.params import Count, Relation, holds
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_WORD = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")


class CapitalWords(Params):
    """A relation and a number of words in capitals."""

    capital_frequency: Count
    capital_relation: Relation


def _english(doc: Doc, cased: bool, what: str) -> Outcome:
    if not cased:
        return Outcome(False, f"not all {what}", {})
    language = doc.language
    return Outcome(language in ("en", None), f"all {what}, language {language}", {"language": language})


@rule(
    "change_case:english_capital",
    asks="Write in English, in capitals only.",
    example=({}, "THIS IS A SENTENCE ABOUT THE WEATHER", "THIS IS A SENTENCE about the weather"),
)
def english_capital(doc: Doc, _: Params) -> Outcome:
    """No lower-case letter, at least one capital, and English."""
    return _english(doc, doc.text.isupper(), "capitals")


@rule(
    "change_case:english_lowercase",
    asks="Write in English, in small letters only.",
    example=({}, "this is a sentence about the weather", "This is a sentence about the weather"),
)
def english_lowercase(doc: Doc, _: Params) -> Outcome:
    """No capital, at least one lower-case letter, and English."""
    return _english(doc, doc.text.islower(), "lower case")


@rule(
    "change_case:english_capital_fixed",
    asks="Write in English, in capitals only.",
    example=({}, "THIS IS A SENTENCE ABOUT THE WEATHER", "THIS IS A SENTENCE about the weather"),
)
def english_capital_fixed(doc: Doc, _: Params) -> Outcome:
    """The language is read from the lower-cased text: langdetect's n-grams skip words in capitals."""
    return _english(Doc(doc.lower), doc.text.isupper(), "capitals")


@rule(
    "change_case:capital_word_frequency",
    CapitalWords,
    asks="Use {capital_relation} {capital_frequency} words in capitals.",
    example=({"capital_frequency": 2, "capital_relation": "at least"}, "THE SEA", "THE sea"),
)
def capital_word_frequency(doc: Doc, params: CapitalWords) -> Outcome:
    """Tokens for which `str.isupper` holds."""
    count = sum(1 for token in doc.tokens if token.isupper())
    return _frequency(count, params)


@rule(
    "change_case:capital_word_frequency_fixed",
    CapitalWords,
    version=2,
    asks="Use {capital_relation} {capital_frequency} words in capitals.",
    example=({"capital_frequency": 2, "capital_relation": "at least"}, "THE SEA", "THE sea"),
)
def capital_word_frequency_fixed(doc: Doc, params: CapitalWords) -> Outcome:
    """Words of letters in capitals; a contraction or hyphenated word counts once, "2ND" and "I'M" included."""
    return _frequency(
        sum(1 for word in _WORD.findall(forgiving.unmarked(doc.text)) if word.isupper()), params
    )


def _frequency(count: int, params: CapitalWords) -> Outcome:
    ok = holds(count, params.capital_relation, params.capital_frequency)
    asked = f"{params.capital_relation} {params.capital_frequency} asked"
    return Outcome(ok, f"{count} words in capitals, {asked}", {"capital_words": count})
