"""`custom:*` of IFBench: one task each, with fixed answers or a fixed form."""

from __future__ import annotations

import itertools
import re
import unicodedata

from verif.core.rules.ifbench.shared import EDGES, bare
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

_QUESTION = re.compile(r"Question \d+[.|):;]?\s*")
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
CAPITALS = (
    "Reykjavik",
    "Helsinki",
    "Oslo",
    "Tallinn",
    "Stockholm",
    "Riga",
    "Moscow",
    "Copenhagen",
    "Vilnius",
    "Minsk",
    "Dublin",
    "Berlin",
    "Amsterdam",
    "Warsaw",
    "London",
    "Brussels",
    "Prague",
    "Luxembourg",
    "Paris",
    "Vienna",
    "Bratislava",
    "Budapest",
    "Vaduz",
    "Chisinau",
    "Bern",
    "Ljubljana",
    "Zagreb",
)
"""By latitude, from the north, as upstream has them."""


def _ascii(text: str) -> str:
    """Letters without their accents; what has no ASCII form is dropped."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


@rule(
    "custom:multiples",
    asks="Count from 10 to 50, but print multiples of 7 only.",
    example=({}, "14, 21, 28, 35, 42, 49", "7, 14, 21, 28, 35, 42, 49"),
)  # fmt: skip
def multiples(doc: Doc, _: Params) -> Outcome:
    """The numbers of the text, and there are no others, are 14, 21, 28, 35, 42, 49 in this order."""
    numbers = re.findall(r"\d+", doc.text)
    return Outcome(numbers == [str(n) for n in range(14, 51, 7)], f"numbers {' '.join(numbers[:10])}")


@rule(
    "custom:mcq_count_length",
    asks='Write four multiple-choice questions with five options each, labelled "Question 1" and so on, each longer than '
    "the one before it, and nothing else.",
    example=(
        {},
        "\n".join(f"Question {n}: {'Why' + ' oh why' * n}?\nA) a\nB) b\nC) c\nD) d\nE) e" for n in range(1, 5)),
        "\n".join(f"Question {n}: {'Why' + ' oh why' * n}?\nA) a\nB) b\nC) c\nD) d" for n in range(1, 5)),
    ),
)  # fmt: skip
def mcq_count_length(doc: Doc, _: Params) -> Outcome:
    """Begins with "Question", has four parts labelled "Question N", each with five lines that begin A to E.

    An option is a letter with "." or ")" and a word; the text before the first option must grow from part to part.
    """
    if not doc.text.startswith("Question"):
        return Outcome(False, "does not begin with a question")
    parts = [part.strip() for part in _QUESTION.split(doc.text) if part.strip()]
    lengths = []
    for part in parts:
        asked, options = "", 0
        for line in map(str.strip, part.split("\n")):
            if _OPTION.match(line):
                options += 1
            elif not options:
                asked += f" {line}"
        if options != 5:
            return Outcome(False, f"{options} options in a question")
        lengths.append(len(asked.strip()))
    growing = all(before < after for before, after in itertools.pairwise(lengths))
    return Outcome(len(parts) == 4 and growing, f"{len(parts)} questions of {lengths[:10]} characters")


@rule(
    "custom:reverse_newline",
    asks="List the countries of Africa in reverse alphabetical order, each on a line of its own.",
    example=(
        {},
        "\n".join(["Zimbabwe", *(f"{letter}{n}" for letter in "YXWVU" for n in range(99, 88, -1))]),
        "\n".join(["Zimbabwe", *(f"{letter}{n}" for letter in "YXWV" for n in range(99, 88, -1))]),
    ),
)  # fmt: skip
def reverse_newline(doc: Doc, _: Params) -> Outcome:
    """From the first line with "Zimbabwe" on, at least 52 lines, none before the one above it in the alphabet.

    Accents, blank lines, and blanks and punctuation at a line's ends make no difference. Names are not looked up.
    """
    lines = [line for raw in doc.text.split("\n") if (line := raw.strip(EDGES))]
    begin = next((place for place, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    names = [_ascii(line) for line in lines[begin:]]
    sorted_ = all(before >= after for before, after in itertools.pairwise(names))
    return Outcome(
        len(names) >= 52 and sorted_, f"{len(names)} lines, {'' if sorted_ else 'not '}in reverse order"
    )


@rule(
    "custom:word_reverse",
    asks="What animal is the national symbol of the US? Answer in a sentence with its words in reverse order.",
    example=({}, "Eagle bald the is it", "It is the bald eagle"),
)  # fmt: skip
def word_reverse(doc: Doc, _: Params) -> Outcome:
    """Read from the last word to the first, without punctuation and case, it holds "bald eagle"."""
    ok = "bald eagle" in " ".join(bare(doc.lower.strip()).split()[::-1])
    return Outcome(ok, "holds the answer in reverse" if ok else "no bald eagle in reverse")


@rule(
    "custom:character_reverse",
    asks="What animal is the national symbol of the US? Answer in a sentence with its letters in reverse order.",
    example=({}, "elgae dlab eht si tI", "It is the bald eagle"),
)  # fmt: skip
def character_reverse(doc: Doc, _: Params) -> Outcome:
    """Holds "elgae dlab", in any case."""
    ok = "elgae dlab" in doc.lower
    return Outcome(ok, "holds the answer in reverse" if ok else "no bald eagle in reverse")


@rule(
    "custom:sentence_alphabet",
    asks="Tell a story of 26 sentences that begin with the letters of the alphabet in order.",
    example=(
        {}, " ".join(f"{letter}ll is well." for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        " ".join(f"{letter}ll is well." for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYY"),
    ),
)  # fmt: skip
def sentence_alphabet(doc: Doc, _: Params) -> Outcome:
    """Exactly 26 sentences, and the first character of the n-th is the n-th letter, in any case."""
    parts = sentences(doc.text)
    firsts = "".join(part[:1].lower()[:1] for part in parts)
    return Outcome(firsts == "abcdefghijklmnopqrstuvwxyz", f"{len(parts)} sentences begin {firsts[:40]}")


@rule(
    "custom:european_capitals_sort",
    asks="Name the European capitals north of 45 degrees, by latitude from the north, separated by commas.",
    example=({}, ", ".join(CAPITALS), ", ".join(reversed(CAPITALS))),
)  # fmt: skip
def european_capitals_sort(doc: Doc, _: Params) -> Outcome:
    """Exactly the 27 capitals of upstream's list, in its order and in English; accents make no difference."""
    given = [name.strip() for name in _ascii(doc.text).split(",") if name.strip()]
    wrong = next((place for place, (a, b) in enumerate(zip(given, CAPITALS, strict=False)) if a != b), None)
    reason = f"{len(given)} capitals" + (
        f", {given[wrong][:40]!r} at {wrong + 1}" if wrong is not None else ""
    )
    return Outcome(tuple(given) == CAPITALS, reason)


@rule(
    "custom:date_format_list",
    asks="List the dates on which Napoleon's battles began as YYYY-MM-DD, separated by commas, and nothing else.",
    example=({}, "1805-12-02, 1815-06-18", "1805-12-02, 18 June 1815"),
)  # fmt: skip
def date_format_list(doc: Doc, _: Params) -> Outcome:
    """Dates between commas, in the years of Napoleon's life, none past the end of its month; no battle is looked up."""
    for given in doc.text.split(","):
        date = _DATE.fullmatch(given.strip())
        if not date:
            return Outcome(False, f"{given.strip()[:40]!r} is no date")
        year, month, day = map(int, date.groups())
        if not 1769 <= year <= 1821 or month > 12 or day > (_DAYS.get(month, 31) if month else 99):
            return Outcome(False, f"{date[0]} is out of range")
    return Outcome(True, "dates in this form")
