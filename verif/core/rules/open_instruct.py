"""`open-instruct:*`: the 25 functions of RLVR-IFeval's ground truths (`func_name`), decided as open-instruct decides them.

Upstream is `open_instruct/if_functions.py` of allenai/open-instruct at 021dd06. They carry IFEval's names in the data, but
decide otherwise than IFEval does: counts are exact, keywords plain text, dividers `* * *`. Language is told by our own
detector, which stands in for langdetect; a blank response fails every rule.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from verif.core.rules.params import Count, Ordinal, Text
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

PREFIX = "open-instruct:"
_WORD = re.compile(r"\b\w+\b")
_CAPITALS = re.compile(r"\b[A-Z]+\b")
_SENTENCE_END = re.compile(r"(?<!\w\.\w.)(?<![A-Z][a-z]\.)(?<=\.|\?|!)\s")
Quantifier = Literal["at least", "around", "at most"]


class ExactNumber(Params):
    """A count."""

    N: Count


class Quantity(Params):
    """A count, and how near a response must come to it."""

    N: Count
    quantifier: Quantifier


class WordTimes(Params):
    """A word and its number."""

    word: Text
    N: Count


class LetterTimes(Params):
    """A character and its number."""

    letter: Annotated[str, Field(min_length=1, max_length=1)]
    N: Count


class Opening(Params):
    """Paragraphs, and how the i-th of them starts."""

    N: Count
    first_word: Text
    i: Ordinal


class SplitSections(Params):
    """SplitSections, and what stands before the number of each."""

    N: Count
    section_splitter: Text


def _exactly(count: int, wanted: int, what: str) -> Outcome:
    return Outcome(count == wanted, f"{count} {what}, exactly {wanted} asked", {"count": count})


def _least(count: int, wanted: int, what: str) -> Outcome:
    return Outcome(count >= wanted, f"{count} {what}, at least {wanted} asked", {"count": count})


def _near(count: int, params: Quantity, room: int, what: str) -> Outcome:
    ok = {
        "at least": count >= params.N,
        "at most": count <= params.N,
        "around": abs(count - params.N) <= room,
    }[params.quantifier]
    return Outcome(ok, f"{count} {what}, {params.quantifier} {params.N} asked", {"count": count})


def enclosed(text: str, opening: str, closing: str) -> int:
    """How many marked pieces lines hold, found from left to right: each mark is passed once."""
    count = 0
    for line in text.split("\n"):
        place = line.find(opening)
        while place >= 0:
            end = line.find(closing, place + len(opening))
            if end < 0:
                break
            count += 1
            place = line.find(opening, end + len(closing))
    return count


@rule(
    f"{PREFIX}verify_keyword_frequency",
    WordTimes,
    asks="The word {word} should appear exactly {N} times in your response.",
    example=({"word": "boat", "N": 2}, "Boat and boat.", "boat boat boat"),
)
def keyword_frequency(doc: Doc, params: WordTimes) -> Outcome:
    """The word stands there exactly so many times, as a whole word in any case."""
    wanted = params.word.lower()
    return _exactly(
        sum(word == wanted for word in _WORD.findall(doc.lower)), params.N, f"times {params.word!r}"
    )


@rule(
    f"{PREFIX}verify_letter_frequency",
    LetterTimes,
    asks="The letter {letter} should appear exactly {N} times in your response.",
    example=({"letter": "o", "N": 1}, "bob", "boob"),
)
def letter_frequency(doc: Doc, params: LetterTimes) -> Outcome:
    """The letter stands there exactly so many times, in this case."""
    return _exactly(doc.text.count(params.letter), params.N, f"times {params.letter!r}")


@rule(
    f"{PREFIX}verify_paragraph_count",
    ExactNumber,
    asks="Write {N} paragraphs with the divider * * * between them.",
    example=({"N": 2}, "one\n* * *\ntwo", "one\n***\ntwo"),
)
def paragraph_count(doc: Doc, params: ExactNumber) -> Outcome:
    """Exactly so many pieces between `* * *`, none of them blank."""
    cleaned = "\n".join(line.strip() for line in doc.text.splitlines()).strip()
    pieces = cleaned.split("* * *")
    if any(not piece.strip() for piece in pieces):
        return Outcome(False, "a paragraph between dividers is empty", {"count": len(pieces)})
    return _exactly(len(pieces), params.N, "paragraphs")


@rule(
    f"{PREFIX}validate_word_constraint",
    Quantity,
    asks="Answer with {quantifier} {N} words.",
    example=({"N": 3, "quantifier": "at most"}, "a b c", "a b c d"),
)
def word_constraint(doc: Doc, params: Quantity) -> Outcome:
    """Words between white space; "around" leaves a tenth of room."""
    return _near(len(doc.text.split()), params, max(round(params.N * 0.1), 1), "words")


@rule(
    f"{PREFIX}verify_sentence_constraint",
    Quantity,
    asks="Answer with {quantifier} {N} sentences.",
    example=({"N": 2, "quantifier": "at least"}, "A b. C d.", "A b, c d."),
)
def sentence_constraint(doc: Doc, params: Quantity) -> Outcome:
    """Pieces between sentence ends that white space follows; "around" leaves room for one."""
    return _near(sum(1 for _ in _SENTENCE_END.finditer(doc.text)) + 1, params, 1, "sentences")


@rule(
    f"{PREFIX}validate_paragraphs",
    Opening,
    asks="Write {N} paragraphs with a blank line between them. Paragraph {i} starts with {first_word}.",
    example=({"N": 2, "i": 2, "first_word": "Sea"}, "one\n\nSea two", "one\n\nsea two"),
)
def paragraphs(doc: Doc, params: Opening) -> Outcome:
    """Exactly so many paragraphs between blank lines, the i-th of which starts with the word."""
    count = len(doc.paragraphs)
    if count != params.N or params.i > count:
        return Outcome(False, f"{count} paragraphs, exactly {params.N} asked", {"count": count})
    start = doc.paragraphs[params.i - 1].strip()[: len(params.first_word)]
    return Outcome(
        start == params.first_word, f"paragraph {params.i} starts with {start!r}", {"count": count}
    )


@rule(
    f"{PREFIX}validate_placeholders",
    ExactNumber,
    asks="Use at least {N} placeholders in square brackets, such as [name].",
    example=({"N": 2}, "[a] [b]", "[a] [b"),
)
def placeholders(doc: Doc, params: ExactNumber) -> Outcome:
    """At least so many pieces in square brackets."""
    return _least(enclosed(doc.text, "[", "]"), params.N, "placeholders")


@rule(
    f"{PREFIX}verify_bullet_points",
    ExactNumber,
    asks="Use exactly {N} bullet points that start with * or -.",
    example=({"N": 2}, "* a\n- b", "* a\n+ b"),
)
def bullet_points(doc: Doc, params: ExactNumber) -> Outcome:
    """Exactly so many lines that start with `*` or `-`."""
    count = sum(line.strip().startswith(("*", "-")) for line in doc.text.split("\n"))
    return _exactly(count, params.N, "bullets")


@rule(
    f"{PREFIX}validate_highlighted_sections",
    ExactNumber,
    asks="Highlight at least {N} parts with asterisks, such as *this*.",
    example=({"N": 1}, "*a*", "*a"),
)
def highlighted_sections(doc: Doc, params: ExactNumber) -> Outcome:
    """At least so many pieces between asterisks."""
    return _least(enclosed(doc.text, "*", "*"), params.N, "highlighted sections")


@rule(
    f"{PREFIX}validate_sections",
    SplitSections,
    asks="Write {N} sections. Mark each with {section_splitter} and its number.",
    example=({"N": 2, "section_splitter": "Section"}, "Section 1 a Section 2 b", "Section 1 a Section b"),
)
def sections(doc: Doc, params: SplitSections) -> Outcome:
    """At least so many of the splitter, in any case, each with a number behind it."""
    count, splitter = 0, params.section_splitter.lower()
    place = doc.lower.find(splitter)
    while place >= 0:
        end = place + len(splitter)
        digits = doc.lower[end : end + 2]
        numbered = digits[:1].isdecimal() or (digits[:1].isspace() and digits[1:].isdecimal())
        count += numbered
        place = doc.lower.find(splitter, end if numbered else place + 1)
    return _least(count, params.N, "sections")


@rule(
    f"{PREFIX}validate_frequency_capital_words",
    Quantity,
    asks="Write {quantifier} {N} words in capital letters.",
    example=({"N": 1, "quantifier": "at most"}, "A boat", "A BOAT"),
)
def frequency_capital_words(doc: Doc, params: Quantity) -> Outcome:
    """Words of the letters A to Z in capitals; "around" leaves a tenth of room."""
    count = len(_CAPITALS.findall(doc.text))
    return _near(count, params, max(round(params.N * 0.1), 1), "words in capitals")
