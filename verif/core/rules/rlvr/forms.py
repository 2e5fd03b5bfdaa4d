"""`detectable_format:*`, `paragraphs:*`, `punctuation:*`, `letters:*` and a composition of IF-RLVR."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from verif.core import segment
from verif.core.rules import tokens
from verif.core.rules.length import Paragraphs, number_paragraphs
from verif.core.rules.params import Count, Ordinal, Relation, holds
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

_TWO = Paragraphs(num_paragraphs=2)
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_LETTER = re.compile("[a-zA-Z]")


class Letters(Params):
    """A relation and a number of letters."""

    N: Count
    relation: Relation


class Letter(Params):
    """A letter from a to z, a relation and a number of occurrences."""

    letter: Annotated[str, Field(pattern=r"^[A-Za-z]$", max_length=1)]
    let_frequency: Count
    let_relation: Relation


class Composition(Params):
    """A number of sentences and of words in each."""

    n_sent: Ordinal
    n_words: Ordinal


@rule(
    "detectable_format:sentence_hyphens",
    asks="Join all sentences with hyphens, without blanks between them.",
    example=({}, "It rains.-We stay.", "It rains. - We stay."),
)  # fmt: skip
def sentence_hyphens(doc: Doc, _: Params) -> Outcome:
    """The pieces between hyphens are the sentences of the text with its hyphens made blanks, without blanks around them.

    A hyphen inside a word makes a piece that is no sentence and fails. Only as many are compared as there are of both, as
    upstream.
    """
    pieces, wanted = doc.text.split("-"), sentences(doc.text.replace("-", " "))
    wrong = next((a for a, b in zip(pieces, wanted, strict=False) if a != b or a.strip() != a), None)
    return Outcome(
        wrong is None, "joined" if wrong is None else f"{wrong[:60]!r} is no sentence between hyphens"
    )


@rule(
    "detectable_format:square_brackets",
    asks="Put every word in square brackets.",
    example=({}, "[It] [rains.]", "[It] [rains]."),
)  # fmt: skip
def square_brackets(doc: Doc, _: Params) -> Outcome:
    """Each piece between white space begins with `[` and ends with `]`; marks belong inside."""
    wrong = next((word for word in doc.text.split() if word[0] != "[" or word[-1] != "]"), None)
    return Outcome(
        wrong is None, "all in brackets" if wrong is None else f"{wrong[:40]!r} is not in brackets"
    )


@rule(
    "detectable_format:bigram_wrapping",
    asks="Put every two words in double angle brackets, <<like this>> <<at home>>.",
    example=({}, "<<It rains>> <<all day>>", "<<It rains>> all day"),
)  # fmt: skip
def bigram_wrapping(doc: Doc, _: Params) -> Outcome:
    """Of each pair of words the first begins with `<<` and the second ends with `>>`; a last odd word is let off."""
    words = doc.text.split()
    pairs = zip(words[::2], words[1::2], strict=False)
    wrong = next((pair for pair in pairs if not (pair[0].startswith("<<") and pair[1].endswith(">>"))), None)
    return Outcome(
        wrong is None, "all wrapped" if wrong is None else f"{' '.join(wrong)[:60]!r} is not wrapped"
    )


@rule(
    "paragraphs:paragraphs",
    asks="Write two paragraphs, separated by ***",
    example=({}, "One.\n***\nTwo.", "One.\n\nTwo."),
)  # fmt: skip
def paragraphs(doc: Doc, _: Params) -> Outcome:
    """As `length_constraints:number_paragraphs` with two: pieces between `***`, a blank one forgiven at either end."""
    return number_paragraphs(doc, _TWO)


@rule(
    "paragraphs:paragraphs2",
    asks="Write two paragraphs, separated by a blank line.",
    example=({}, "One.\n\nTwo.", "One.\n\nTwo.\n\nThree."),
)  # fmt: skip
def paragraphs2(doc: Doc, _: Params) -> Outcome:
    """Pieces between two line ends; a blank one is forgiven at either end and fails elsewhere. CRLF parts nothing."""
    pieces = [piece.strip() for piece in doc.paragraphs]
    if not all(pieces[1:-1]):
        return Outcome(False, "an empty paragraph", {"paragraphs": len(pieces)})
    count = sum(map(bool, pieces))
    return Outcome(count == 2, f"{count} paragraphs, 2 asked", {"paragraphs": count})


def _none_of(doc: Doc, mark: str) -> Outcome:
    count = doc.text.count(mark)
    return Outcome(count == 0, f"{mark!r} occurs {count} times", {"count": count})


@rule(
    "punctuation:punctuation_dot",
    asks="Do not use any period.",
    example=({}, "It rains!", "It rains."),
)  # fmt: skip
def punctuation_dot(doc: Doc, _: Params) -> Outcome:
    """No ".", also none in a number."""
    return _none_of(doc, ".")


@rule(
    "punctuation:punctuation_exclamation",
    asks="Do not use any exclamation mark.",
    example=({}, "It rains.", "It rains!"),
)  # fmt: skip
def punctuation_exclamation(doc: Doc, _: Params) -> Outcome:
    """No "!"; full-width marks are not seen."""
    return _none_of(doc, "!")


@rule(
    "letters:letter_counting", Letters,
    asks="Answer with {relation} {N} letters.",
    example=({"N": 5, "relation": "less than"}, "Yes 2!", "Never 2!"),
)  # fmt: skip
def letter_counting(doc: Doc, params: Letters) -> Outcome:
    """Letters from a to z in either case; those with accents and of other scripts are not counted."""
    count = len(_LETTER.findall(doc.text))
    return Outcome(
        holds(count, params.relation, params.N), f"{count} letters, {params.relation} {params.N} asked"
    )


@rule(
    "letters:letter_counting2", Letter,
    asks="Use the letter {letter} {let_relation} {let_frequency} times.",
    example=({"letter": "e", "let_frequency": 2, "let_relation": "at least"}, "The sea.", "The surf."),
)  # fmt: skip
def letter_counting2(doc: Doc, params: Letter) -> Outcome:
    """The letter in either case, as `keywords:letter_frequency`; it must be one from a to z."""
    count = doc.lower.count(params.letter.lower())
    ok = holds(count, params.let_relation, params.let_frequency)
    return Outcome(ok, f"{count} times, {params.let_relation} {params.let_frequency} asked", {"count": count})


@rule(
    "count:counting_composition", Composition, flavour=segment.splitter,
    asks="Write three paragraphs, separated by ***, of {n_sent} sentences each, with {n_words} words in each sentence.",
    example=(
        {"n_sent": 1, "n_words": 3}, "It rains!\n***\nWe wait!\n***\nThey sing!", "It rains!\n***\nWe wait!",
    ),
)  # fmt: skip
def counting_composition(doc: Doc, params: Composition) -> Outcome:
    """Three pieces between `***`, none blank, each of so many sentences of so many tokens; end marks are tokens."""
    pieces = _DIVIDER.split(doc.text)
    for number, piece in enumerate(pieces, 1):
        parts = sentences(piece)
        if len(parts) != params.n_sent:
            return Outcome(False, f"{len(parts)} sentences in paragraph {number}")
        for part in parts:
            if (count := len(tokens.words(Doc(part)))) != params.n_words:
                return Outcome(False, f"{count} tokens in a sentence of paragraph {number}")
    return Outcome(len(pieces) == 3, f"{len(pieces)} paragraphs, 3 asked")
