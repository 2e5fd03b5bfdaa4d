r"""Tokens as NLTK's `word_tokenize` cuts them, which some rules count, compare or look at by their place.

A text is cut into sentences (`verif.core.segment`), and each sentence by the Penn Treebank's convention: punctuation
stands alone, a period only at the end, contractions are two tokens, straight quotation marks become two back-ticks or two
apostrophes. The expressions are written anew; a test compares them with NLTK 3.10 where that is installed.
"""

from __future__ import annotations

import re

from verif.core.text import Doc

_LAST_QUOTED = re.compile(r"([^.])(\.)([\])}>\"'»”’ ]*+)\s*$")
_LAST = re.compile(r"([^.])(\.)([\])}>\"']*+)\s*$")


def _steps(*rows: tuple[str, str, str]) -> tuple[tuple[frozenset[str], re.Pattern[str], str], ...]:
    """Steps of (characters of which one must occur, expression, replacement)."""
    return tuple((frozenset(needed), re.compile(expression), to) for needed, expression, to in rows)


_OPENING = _steps(
    ("«“‘„`", r"([«“‘„]|`+)", r" \1 "),
    ('"', r'^"', "``"),
    ('"`', r"(``)", r" \1 "),
    ("\"'", r"([ ({\[<])(?:\"|'')", r"\1 `` "),
    ("'", r"(?i)(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"' "),
)
_MARKS = _steps(
    (":,", r"([:,])([^\d])", r" \1 \2"),
    (":,", r"([:,])$", r" \1 "),
    (".", r"\.{2,}", r" \g<0> "),
    (";@#$%&", r"[;@#$%&]", r" \g<0> "),
    ("\u2012\u2013\u2014\u2015", r"[\u2012-\u2015]", r" \g<0> "),
)
_REST = _steps(
    ("?!", r"[?!]", r" \g<0> "),
    ("'", r"([^'])' ", r"\1 ' "),
    ("*", r"\*", r" \g<0> "),
    ("][(){}<>", r"[\]\[(){}<>]", r" \g<0> "),
    ("-", "--", " -- "),
)
_CLOSING = _steps(
    ("»”’", r"([»”’])", r" \1 "),
    ("'", "''", " '' "),
    ('"', '"', " '' "),
)
_BLANKS = re.compile(r"\s+")
_CLITICS = _steps(
    ("'", r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
    ("'", r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
)
_CONTRACTED = re.compile(r"(?i)\b(?:cannot|d'ye|gimme|gonna|gotta|lemme|more'n|wanna)|'t(?:is|was)")
_CONTRACTIONS = tuple(
    re.compile(expression)
    for expression in (
        r"(?i)\b(can)(not)\b", r"(?i)\b(d)('ye)\b", r"(?i)\b(gim)(me)\b", r"(?i)\b(gon)(na)\b", r"(?i)\b(got)(ta)\b",
        r"(?i)\b(lem)(me)\b", r"(?i)\b(more)('n)\b", r"(?i)\b(wan)(na)(?=\s)", r"(?i) ('t)(is)\b", r"(?i) ('t)(was)\b",
    )
)  # fmt: skip


def of_sentence(text: str) -> list[str]:
    """The tokens of one sentence."""
    present = frozenset(text)
    text = _end(_LAST_QUOTED, _apply(_OPENING, text, present), r"\1 \2 \3 ")
    text = _end(_LAST, _apply(_MARKS, text, present), r"\1 \2\3 ")
    text = _apply(_REST, text, present)
    text = _BLANKS.sub(" ", _apply(_CLOSING, f" {text} ", present))
    text = _apply(_CLITICS, text, present)
    if _CONTRACTED.search(text):
        for expression in _CONTRACTIONS:
            text = expression.sub(r" \1 \2 ", text)
    return text.split()


def _apply(
    steps: tuple[tuple[frozenset[str], re.Pattern[str], str], ...], text: str, present: frozenset[str]
) -> str:
    """The substitutions, one after the other; those whose characters do not occur are left out."""
    for needed, expression, replacement in steps:
        if not needed.isdisjoint(present):
            text = expression.sub(replacement, text)
    return text


def _end(expression: re.Pattern[str], text: str, replacement: str) -> str:
    """The substitution at the end of the text, begun at its last period: nothing before it can match."""
    last = text.rfind(".")
    return text if last < 1 else text[: last - 1] + expression.sub(replacement, text[last - 1 :])


def words(doc: Doc) -> list[str]:
    """The tokens of a response."""
    return [token for sentence in doc.sentences for token in of_sentence(sentence)]
