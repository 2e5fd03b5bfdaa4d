"""`format:*` of IFBench that look at lines and words: options, one word a line, stairs, emoji, title case."""

from __future__ import annotations

import itertools
import re
from collections import deque

from verif.core import segment
from verif.core.rules import tokens
from verif.core.rules.ifbench.emoji import is_emoji
from verif.core.rules.ifbench.shared import EDGES, bare
from verif.core.rules.params import Text
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

_LETTERED = re.compile(r"\W*[aA]\W*[bB]\W*[cC]\W*")


class Options(Params):
    """The permitted answers in one text, separated by "/", else by "or", else by commas."""

    options: Text


@rule(
    "format:options", Options,
    asks="Answer with one of these and nothing else: {options}",
    example=({"options": "yes/no/maybe"}, "Maybe.", "Maybe so."),
)  # fmt: skip
def options(doc: Doc, params: Options) -> Outcome:
    """The response is one of the options, in any case, blanks and punctuation around it aside.

    Lettered options ("a), b), c)") must be given exactly. A line's end after the answer fails, as upstream.
    """
    text = params.options
    separator = "/" if "/" in text else "or" if "or" in text else ","
    choices = [choice.strip() for choice in text.split(separator)]
    if _LETTERED.match(text):
        ok = doc.text in choices
    else:
        ok = doc.text.strip(EDGES).lower() in {choice.strip(EDGES).lower() for choice in choices}
    return Outcome(ok, "one of the options" if ok else f"none of {choices[:10]}")


@rule(
    "format:newline",
    asks="Write each word on a line of its own.",
    example=({}, "bread\nsalt\nfish", "bread\nsalt fish"),
)  # fmt: skip
def newline(doc: Doc, _: Params) -> Outcome:
    """As many words as lines that are not empty, punctuation taken out; a line of blanks counts as a line."""
    text = bare(doc.text).strip()
    lines, words = sum(line != "" for line in text.split("\n")), len(text.split())
    return Outcome(lines == words, f"{words} words on {lines} lines", {"words": words, "lines": lines})


@rule(
    "format:line_indent",
    asks="Indent each line further than the one before it.",
    example=({}, "one\n two\n  three", "one\n two\n two"),
)  # fmt: skip
def line_indent(doc: Doc, _: Params) -> Outcome:
    """Each line begins with more blanks than the one before it; blank lines are skipped, save a second one in a row.

    Upstream takes blank lines out of the list that it walks over, so that the line after each is not looked at. What
    is left by that is kept here.
    """
    lines = _without_blank(doc.text.split("\n"))
    indents = [len(line) - len(line.lstrip(" ")) for line in lines]
    ok = all(before < after for before, after in itertools.pairwise(indents))
    return Outcome(ok, f"blanks by line: {indents[:20]}", {"indents": indents[:100]})


def _without_blank(lines: list[str]) -> list[str]:
    """What a Python loop leaves that removes blank lines (each time the first that is equal) while it walks."""
    waiting: dict[str, deque[int]] = {}
    for place, line in enumerate(lines):
        if not line.strip():
            waiting.setdefault(line, deque()).append(place)
    removed = set()
    place = 0
    while place < len(lines):
        line = lines[place]
        if line in waiting:
            removed.add(waiting[line].popleft())
            place += 1  # the line behind it moves to its place and is not seen
        place += 1
    return [line for place, line in enumerate(lines) if place not in removed]


@rule(
    "format:emoji",
    asks="End every sentence with an emoji.",
    example=({}, "It rains. 🌧 Run! 🏃", "It rains. 🌧 Run!"),
)  # fmt: skip
def emoji(doc: Doc, _: Params) -> Outcome:
    """Each sentence ends with an emoji among its last two characters, or the next one begins with one.

    ASCII punctuation is set aside. Emoji are single code points (see `emoji.py`).
    """
    parts = [bare(sentence).strip() for sentence in sentences(doc.text)]
    for place, part in enumerate(parts):
        after = parts[place + 1] if place + 1 < len(parts) else ""
        if not part or (not any(map(is_emoji, part[-2:])) and not is_emoji(after[:1])):
            return Outcome(False, f"no emoji after sentence {place + 1}", {"sentence": place + 1})
    return Outcome(True, f"an emoji after each of {len(parts)} sentences")


@rule(
    "format:title_case", flavour=segment.splitter,
    asks="Write everything in title case.",
    example=({}, "The Old Harbour Town", "The Old harbour Town"),
)  # fmt: skip
def title_case(doc: Doc, _: Params) -> Outcome:
    """No token begins with a small letter and goes on in letters of one case; small words are not let off.

    Tokens of a single letter, those in capitals and those of mixed case pass.
    """
    for word in tokens.words(doc):
        if word[0].islower() and (word[1:].isupper() or word[1:].islower()):
            return Outcome(False, f"{word[:40]!r} is not in title case")
    return Outcome(True, "title case")
