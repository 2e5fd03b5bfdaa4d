"""`length_constraints:*`: numbers of words, sentences and paragraphs.

Upstream's words are runs of word characters, so "well-known" counts two. Paragraphs of `number_paragraphs`
are separated by `***`, those of `nth_paragraph_first_word` by blank lines. In the latter, upstream indexes
all pieces but counts only the non-blank ones: both are kept.
"""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from verif.core import segment
from verif.core.rules import forgiving
from verif.core.rules.params import Count, Ordinal, Phrase, Relation, holds
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_WORD_END = re.compile(r"[.,?!'\"]")
_HYPHENATED = re.compile(r"\w+(?:[-'\u2010\u2011\u2019]\w+)*")
_BLANK_LINE = re.compile(r"\n(?:[^\S\n]*+\n)+")
_LIST_NUMBER = re.compile(r"^[^\S\n]*+(?:\d+[.)]|[A-Za-z][.)])[^\S\n]+", re.MULTILINE)


class Words(Params):
    """A relation and a number of words."""

    num_words: Count
    relation: Relation


class Sentences(Params):
    """A relation and a number of sentences."""

    num_sentences: Count
    relation: Relation


class Paragraphs(Params):
    """A number of paragraphs, exactly."""

    num_paragraphs: Count


class FirstWord(Params):
    """So many paragraphs, and the first word of the n-th (from 1)."""

    num_paragraphs: Ordinal
    nth_paragraph: Ordinal
    first_word: Phrase

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.nth_paragraph > self.num_paragraphs:
            raise ValueError(f"nth_paragraph is {self.nth_paragraph}, of {self.num_paragraphs} paragraphs")
        return self


def counted(count: int, what: str, relation: Relation, threshold: int) -> Outcome:
    """The relation holds of the count, which is kept as evidence."""
    return Outcome(
        holds(count, relation, threshold), f"{count} {what}, {relation} {threshold} asked", {what: count}
    )


@rule(
    "length_constraints:number_words",
    Words,
    asks="Write {relation} {num_words} words.",
    example=({"num_words": 3, "relation": "at least"}, "A well-known", "A known"),
)
def number_words(doc: Doc, params: Words) -> Outcome:
    r"""Words are runs of `\w`."""
    return counted(len(doc.words), "words", params.relation, params.num_words)


@rule(
    "length_constraints:number_words_fixed",
    Words,
    version=2,
    asks="Write {relation} {num_words} words.",
    example=({"num_words": 3, "relation": "less than"}, "A well-known", "A well-known tale"),
)
def number_words_fixed(doc: Doc, params: Words) -> Outcome:
    """Hyphenated words and contractions count once ("well-known", "don't").

    A letter with its combining marks is one letter: words in Hindi, Tamil or decomposed Latin are not cut at them.
    """
    return counted(
        len(_HYPHENATED.findall(forgiving.unmarked(doc.text))), "words", params.relation, params.num_words
    )


@rule(
    "length_constraints:number_sentences",
    Sentences,
    version=2,
    flavour=segment.splitter,
    asks="Write {relation} {num_sentences} sentences.",
    example=({"num_sentences": 2, "relation": "at least"}, "Dr. No came. He left.", "Dr. No came."),
)
def number_sentences(doc: Doc, params: Sentences) -> Outcome:
    """Sentences by Punkt, as upstream; see `verif.core.segment`."""
    return counted(len(doc.sentences), "sentences", params.relation, params.num_sentences)


@rule(
    "length_constraints:number_sentences_fixed",
    Sentences,
    version=2,
    asks="Write {relation} {num_sentences} sentences.",
    example=({"num_sentences": 2, "relation": "at least"}, "It rains\nWe stay", "1. It rains"),
)
def number_sentences_fixed(doc: Doc, params: Sentences) -> Outcome:
    """Line ends end a sentence, and the number of a list item ("1.") is none: Punkt gets both wrong."""
    plain = _LIST_NUMBER.sub("", forgiving.with_lines(doc.text))
    count = sum(len(segment.own_sentences(line)) for line in plain.split("\n") if any(map(str.isalnum, line)))
    return counted(count, "sentences", params.relation, params.num_sentences)


@rule(
    "length_constraints:number_paragraphs",
    Paragraphs,
    asks="Write {num_paragraphs} paragraphs, separated by ***",
    example=({"num_paragraphs": 2}, "One.\n***\nTwo.", "One.\n\nTwo."),
)
def number_paragraphs(doc: Doc, params: Paragraphs) -> Outcome:
    """Pieces between `***`; a blank one is forgiven only at either end."""
    pieces = [piece.strip() for piece in _DIVIDER.split(doc.text)]
    if not all(pieces[1:-1]):
        return Outcome(False, "an empty paragraph between dividers", {"paragraphs": len(pieces)})
    count = len(pieces) - (not pieces[0]) - (len(pieces) > 1 and not pieces[-1])
    return Outcome(
        count == params.num_paragraphs,
        f"{count} paragraphs, {params.num_paragraphs} asked",
        {"paragraphs": count},
    )


def _first_word(paragraph: str) -> str:
    """The first word, lower case, without leading quotes and cut at punctuation."""
    word = paragraph.split(None, 1)[0].lstrip("'").lstrip('"')
    return _WORD_END.split(word, maxsplit=1)[0].lower()


def _nth(paragraphs: list[str], params: FirstWord) -> Outcome:
    count = sum(1 for paragraph in paragraphs if paragraph.strip())
    if params.nth_paragraph > count:
        return Outcome(
            False, f"{count} paragraphs, no paragraph {params.nth_paragraph}", {"paragraphs": count}
        )
    paragraph = paragraphs[params.nth_paragraph - 1].strip()
    word = _first_word(paragraph) if paragraph else ""
    ok = bool(paragraph) and count == params.num_paragraphs and word == params.first_word.lower()
    reason = f"{count} paragraphs, paragraph {params.nth_paragraph} starts with {word!r}"
    return Outcome(ok, reason, {"paragraphs": count, "first_word": word})


@rule(
    "length_constraints:nth_paragraph_first_word",
    FirstWord,
    asks="Write {num_paragraphs} paragraphs, separated by blank lines; number {nth_paragraph} begins with {first_word}.",
    example=(
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        "One.\n\nThen two.",
        "One.\n\nTwo then.",
    ),
)
def nth_paragraph_first_word(doc: Doc, params: FirstWord) -> Outcome:
    """The number of paragraphs is exact and the n-th starts with the word."""
    return _nth(doc.paragraphs, params)


@rule(
    "length_constraints:nth_paragraph_first_word_fixed",
    FirstWord,
    version=2,
    asks="Write {num_paragraphs} paragraphs, separated by blank lines; number {nth_paragraph} begins with {first_word}.",
    example=(
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        "One.\n\n\n\nThen two.",
        "One.\n\n\n\nTwo then.",
    ),
)
def nth_paragraph_first_word_fixed(doc: Doc, params: FirstWord) -> Outcome:
    """Blank pieces (three newlines in a row) do not shift the index; a blank line may hold blanks or end in CRLF."""
    pieces = _BLANK_LINE.split(forgiving.with_lines(doc.text))
    return _nth([piece for piece in pieces if piece.strip()], params)
