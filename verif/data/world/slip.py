"""Where a response stops being grammatical: what a judge learns to point at before it says no.

A yes or no about a whole text is a weak lesson; the word at which the text breaks is a strong one.
"""

from __future__ import annotations

import re

from verif.data.world import lexicon as lex
from verif.data.world.grammar import FORMS, OPENER, PERSONS, SENTENCE, SLOTS, grammatical, placed

FINE = "fine"
_VOCABULARY = frozenset(lex.vocabulary())
_SENTENCE = re.compile(rf"{SENTENCE}[.!](?: |$)")
_REST = re.compile(r"[a-z]+|[^\sa-z]")


def _prefixes(form: str, person: dict[str, str]) -> re.Pattern[str]:
    """A pattern that matches as much of the form as there is, word by word."""
    pieces = re.findall(r" ?\{\w+\}| ?\w+|,", form)
    pattern = ""
    for piece in reversed(pieces):
        filled = piece.format(**SLOTS, **person) + ("" if piece == "," else "(?![a-z])")
        pattern = filled + (f"(?:{pattern})?" if pattern else "")
    return re.compile(rf"(?:{OPENER},? )?{pattern}")


_PARTS = [_prefixes(form, person) for form in FORMS for person in PERSONS]


def _broken(line: str) -> tuple[int, str] | None:
    """The first word at which a line breaks, with its place in it, or None if it does not."""
    at = 0
    while at < len(line):
        if sentence := _SENTENCE.match(line, at):
            at = sentence.end()
            continue
        good = max((m.end() for pattern in _PARTS if (m := pattern.match(line, at))), default=at)
        rest = _REST.search(line, good)
        if rest is None:
            return len(line), "end"
        word = rest[0] if rest[0] in _VOCABULARY else "other" if rest[0][0].isalpha() else "mark"
        return rest.start(), word
    return None if line else (0, "end")


def slip(text: str) -> tuple[int, str] | None:
    """The character at which `text` stops being grammatical and the word that stands there, or None.

    "other" stands for a word of no lexicon, "mark" for a sign, "end" for a text that stops too early,
    "list" for a layout that mixes lines and bullets.
    """
    if grammatical(text):
        return None
    at, lines = placed(text)
    for line in lines:
        point = line.removeprefix("- ")
        if broken := _broken(point):
            return min(at + len(line) - len(point) + broken[0], len(text)), broken[1]
        at += len(line) + 1
    return placed(text)[0], "list"


def first_slip(text: str) -> str:
    """The word at which `text` stops being grammatical (see `slip`), or "fine"."""
    broken = slip(text)
    return broken[1] if broken else FINE
