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
_STEPS = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (r"([«“‘„]|`+)", r" \1 "),
        (r'^"', "``"),
        (r"(``)", r" \1 "),
        (r"([ ({\[<])(?:\"|'')", r"\1 `` "),
        (r"(?i)(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"' "),
    )
)
_MARKS = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (r"([:,])([^\d])", r" \1 \2"),
        (r"([:,])$", r" \1 "),
        (r"\.{2,}", r" \g<0> "),
        (r"[;@#$%&]", r" \g<0> "),
        (r"[\u2012-\u2015]", r" \g<0> "),
    )
)
_REST = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (r"[?!]", r" \g<0> "),
        (r"([^'])' ", r"\1 ' "),
        (r"\*", r" \g<0> "),
        (r"[\]\[(){}<>]", r" \g<0> "),
        ("--", " -- "),
    )
)
_ENDINGS = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (r"([»”’])", r" \1 "),
        ("''", " '' "),
        ('"', " '' "),
        (r"\s+", " "),
        (r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
        (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
        (r"(?i)\b(can)(not)\b", r" \1 \2 "),
        (r"(?i)\b(d)('ye)\b", r" \1 \2 "),
        (r"(?i)\b(gim)(me)\b", r" \1 \2 "),
        (r"(?i)\b(gon)(na)\b", r" \1 \2 "),
        (r"(?i)\b(got)(ta)\b", r" \1 \2 "),
        (r"(?i)\b(lem)(me)\b", r" \1 \2 "),
        (r"(?i)\b(more)('n)\b", r" \1 \2 "),
        (r"(?i)\b(wan)(na)(?=\s)", r" \1 \2 "),
        (r"(?i) ('t)(is)\b", r" \1 \2 "),
        (r"(?i) ('t)(was)\b", r" \1 \2 "),
    )
)


def of_sentence(text: str) -> list[str]:
    """The tokens of one sentence."""
    for expression, replacement in _STEPS:
        text = expression.sub(replacement, text)
    text = _end(_LAST_QUOTED, text, r"\1 \2 \3 ")
    for expression, replacement in _MARKS:
        text = expression.sub(replacement, text)
    text = _end(_LAST, text, r"\1 \2\3 ")
    for expression, replacement in _REST:
        text = expression.sub(replacement, text)
    text = f" {text} "
    for expression, replacement in _ENDINGS:
        text = expression.sub(replacement, text)
    return text.split()


def _end(expression: re.Pattern[str], text: str, replacement: str) -> str:
    """The substitution at the end of the text, begun at its last period: nothing before it can match."""
    last = text.rfind(".")
    return text if last < 1 else text[: last - 1] + expression.sub(replacement, text[last - 1 :])


def words(doc: Doc) -> list[str]:
    """The tokens of a response."""
    return [token for sentence in doc.sentences for token in of_sentence(sentence)]
