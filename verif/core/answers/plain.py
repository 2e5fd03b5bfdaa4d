"""Answers that need no mathematics: a choice, a text, a set of things, a date.

Each comparison gives True, False, or a sentence that says why there is nothing to compare.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date

from verif.core.answers.brackets import CLOSE, OPEN, change, split_outside
from verif.core.answers.number import read_number, same_number
from verif.core.answers.structure import labelless
from verif.core.answers.unsolved import unsolved

UNSOLVED = "is a sum that is not worked out"
_CHOICE = re.compile(r"\W{0,4}(?:(?:option|choice|answer)\W{1,3})?\(?(?P<letter>[A-Za-z])\)?(?=[).:,;\s*]|$)")
_ANOTHER = re.compile(
    r"[).*\s(,;]{0,6}(?:or\b|and\b|nor\b|,|/|&|\+|;)\s{0,4}"
    r"(?:(?:or|and|maybe|perhaps|possibly|probably|even|also|else)\s{1,4}){0,3}\(?[A-HJa-hj]\)?(?![A-Za-z])"
    r"|\s{1,4}\(?[A-HJ]\)?(?![A-Za-z])"
)
_LISTED = re.compile(r"(?<![A-Za-z0-9(])(?:\(?([A-Ja-j])\)|([A-Ja-j])[.:](?=\s))")
_ARTICLE = re.compile(r"A\s{1,4}(?P<upper>[a-z]+)|[aIi]\s{1,4}(?P<word>[A-Za-z]+)")
_OF_A_CHOICE = {"is", "was", "because", "since", "as", "seems", "would", "must", "should", "has"}
"""Words that follow the name of a choice and no article."""
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s{0,4}\{([^{}]{0,200})\}")
_ARTICLES = {"a", "an", "the"}
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1,
    )
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?")
_NUMERIC = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_WORDS = re.compile(r"[^\W_]+")
_WORDS_AND_SIGNS = re.compile(
    r"[^\W_]+|(?<![^\W_])-(?=\.?\d)|(?<=\d)\.(?=\d)|(?<=\w)[+#]|(?<=\+)\+|\+(?=\s)|[<>](?=\s?[-.\d])|[%^≤≥≠±×÷√€£¥]"
)
"""Words, and the signs without which another thing would be meant: -5, 1.5, C++, C#, 50%, x < 5."""
_NO_DAY = {"not", "before", "after", "until", "since", "or"}


def choice(text: str) -> str | None:
    """The letter of a choice; None where there is none, or more than one is named.

    >>> [choice(t) for t in ("(B)", "B. The harbour", "option c", "\\\\text{D}", "A or B", "Boats", "A boat")]
    ['B', 'B', 'C', 'D', None, None, None]
    """
    text = unicodedata.normalize("NFKC", _TEXT_COMMAND.sub(r"\1", text)).strip().strip("$").strip()
    match = _CHOICE.match(text)
    if match is None or _ANOTHER.match(text, match.end("letter")) or _is_article(text):
        return None
    letter = match["letter"].upper()
    following = {(a or b).upper() for a, b in _LISTED.findall(text, match.end("letter"))}
    return None if chr(ord(letter) + 1) in following else letter  # the list of all choices, said again


def _is_article(text: str) -> bool:
    """Whether a text begins with "A boat" or "I think" and so with a word, not with the name of a choice."""
    match = _ARTICLE.match(text)
    return match is not None and (match["upper"] or match["word"]) not in _OF_A_CHOICE


def plain_text(text: str) -> str:
    """A text without case, punctuation, articles, accents of compatibility forms and further blanks.

    >>> plain_text("The  «Eiffel Tower».")
    'eiffel tower'
    >>> plain_text("C++"), plain_text("-1.5"), plain_text("Vitamin A")
    ('c + +', '- 1 . 5', 'vitamin a')
    """
    text = unicodedata.normalize("NFKC", _TEXT_COMMAND.sub(r"\1", text)).casefold().replace("−", "-")
    words = _WORDS_AND_SIGNS.findall(text)
    kept = [word for word in words[:-1] if word not in _ARTICLES] + words[-1:]  # no article ends a phrase
    return " ".join(kept) or " ".join(text.split())


def members(text: str) -> list[str]:
    """The members of a set or list: parted at commas and semicolons outside brackets, and at "and" before the last.

    >>> members("{1, (2, 3), x and y}")
    ['1', '(2, 3)', 'x', 'y']
    """
    text = text.strip().strip("$").replace("\\{", "{").replace("\\}", "}").strip()
    if text[:1] in OPEN and text[-1:] in CLOSE and _one_bracket(text):
        text = text[1:-1]
    *others, end = split_outside(text)
    ends = end.strip().removeprefix("and ").split(" and ")
    return [part.strip() for part in (*others, *ends) if part.strip()]


def _one_bracket(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for position, letter in enumerate(text):
        depth += change(letter)
        if depth == 0:
            return position == len(text) - 1
    return False


def same_set(reference: str, answer: str) -> bool:
    """The same members the same number of times, in any order; numbers by value, all else as `plain_text`."""
    return Counter(map(_member, members(reference))) == Counter(map(_member, members(answer)))


def _member(text: str) -> str:
    number = read_number(text)
    return f"{number.value} {number.unit} {number.percent}" if number else plain_text(text)


def read_date(text: str) -> date | None:
    """A day: ISO, or with its month as a word, or numbers that can only be read one way.

    >>> [str(read_date(t)) for t in ("2024-02-29", "3 May 2020", "May 3rd, 2020", "25/12/2021", "03/04/2021")]
    ['2024-02-29', '2020-05-03', '2020-05-03', '2021-12-25', 'None']
    """
    text = text.strip()
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _NUMERIC.fullmatch(text):
            first, second, year = int(match[1]), int(match[2]), int(match[3])
            if first <= 12 and second <= 12 and first != second:
                return None  # the third of April or the fourth of March
            return date(year, second, first) if second <= 12 else date(year, first, second)
        words = [word.lower() for word in _WORDS.findall(text)]
        months = [word for word in words if word in _MONTHS]
        numbers = [int(digits) for word in words if (digits := _ordinal(word))]
        years, days = [n for n in numbers if n > 31], [n for n in numbers if 1 <= n <= 31]
        if _NO_DAY & set(words):
            return None
        if len(months) == len(years) == len(days) == 1 and len(words) <= 6:
            return date(years[0], _MONTHS[months[0]], days[0])
    except ValueError:
        pass
    return None


def _ordinal(word: str) -> str:
    digits = word[:-2] if word.endswith(("st", "nd", "rd", "th")) else word
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= 4 else ""


def same(kind: str, reference: str, answer: str, tolerance: float = 0.0) -> bool | str:
    """Whether an answer is the reference; a sentence where the answer is nothing of that kind."""
    if kind == "choice":
        letter = choice(answer)
        return "names no choice, or several" if letter is None else letter == choice(reference)
    if kind == "number":
        number, right = read_number(labelless(answer)), read_number(reference)
        if number is None:
            return UNSOLVED if unsolved(answer) else "is no number"
        return right is not None and same_number(right, number, tolerance)
    if kind == "date":
        day = read_date(answer)
        return answer.strip() == reference.strip() or (
            "is no date" if day is None else day == read_date(reference)
        )
    return same_set(reference, answer) if kind == "set" else plain_text(reference) == plain_text(answer)
