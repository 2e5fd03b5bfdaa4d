"""What the text of a hard constraint claims, as far as it is beyond doubt: for screening and repairing checkers.

`read` knows the five families of VerInstruct's synthesised constraints. A text it does not understand
without doubt gives None, and nothing is then concluded from it. A claim offers texts that clearly keep it
(`good`) and clearly break it (`bad`), well away from its edge, and the source of a checker that decides it.
"""

# ruff: noqa: D102  (`Claim` documents the methods once)
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Protocol

from verif.data.screening import probes
from verif.data.screening.sizes import number_of, oversized

_SPLIT = r"re.split(r'(?<=[.!?])\s+', {})"
_COUNT = "import re\n\ndef check_following(instruction, response):\n    count = len(response.split())\n    return {}\n"
_FAR = 10**6


def _characters(limit: int) -> list[str]:
    """One word of exactly `limit` characters, and of one more: only a count of characters tells them apart."""
    return ["b" * limit, "b" * (limit + 1)]


class Claim(Protocol):
    """A constraint's meaning. `unit` is what it counts."""

    unit: ClassVar[str]

    def good(self) -> list[str]:
        """Texts that keep it."""

    def bad(self) -> list[str]:
        """Texts that break it."""

    def telling(self) -> list[str]:
        """Two texts whose verdicts tell a known kind of mistake (see `verif.data.screening.screen`)."""

    def source(self) -> str:
        """A checker that decides it; "" if there is none worth having."""


@dataclass(frozen=True)
class WordCount:
    """Between `low` and `high` words in all; `around` if the text names one number and leaves room about it."""

    low: int
    high: int
    around: int = 0

    unit: ClassVar[str] = "words"

    def good(self) -> list[str]:
        if self.around:
            return [probes.words(self.around)]
        if self.high >= _FAR:
            return [probes.words(self.low + 5), probes.words(2 * self.low + 20)]
        if self.low == 0:
            return [probes.words(max(1, self.high - 5)), probes.words(max(1, self.high // 2))]
        return [probes.words((self.low + self.high) // 2)] if self.low <= self.high else []

    def bad(self) -> list[str]:
        room = max(60, self.around)
        short = [probes.words(self.low // 2)] if self.low >= 8 else []
        long = [probes.words(self.high + room)] if self.high < _FAR else []
        return short + long

    def telling(self) -> list[str]:
        if self.around:
            return [probes.words(self.around - 1), probes.words(self.around + 1)] if self.around > 2 else []
        if self.high < _FAR:
            return _characters(self.high)
        return _characters(self.low - 1)[::-1] if self.low > 2 else []

    def source(self) -> str:
        if self.high >= _FAR:
            return _COUNT.format(f"count >= {self.low}")
        return _COUNT.format(
            f"count <= {self.high}" if self.low == 0 else f"{self.low} <= count <= {self.high}"
        )


@dataclass(frozen=True)
class SentenceWords:
    """No sentence has more than `most` words."""

    most: int

    unit: ClassVar[str] = "words"

    def good(self) -> list[str]:
        size = max(1, self.most - 3)
        return [
            probes.words(3 * size, size),
            probes.words(4 * max(1, self.most // 2), max(1, self.most // 2)),
        ]

    def bad(self) -> list[str]:
        return [probes.sentence(self.most + 6), f"{probes.sentence(4)} {probes.sentence(2 * self.most + 4)}"]

    def telling(self) -> list[str]:
        return _characters(self.most)

    def source(self) -> str:
        split = _SPLIT.format("response.strip()")
        return (
            "import re\n\ndef check_following(instruction, response):\n"
            f"    sentences = {split}\n    return all(len(sentence.split()) <= {self.most} for sentence in sentences)\n"
        )


@dataclass(frozen=True)
class ParagraphSentences:
    """No paragraph has more than `most` sentences."""

    most: int

    unit: ClassVar[str] = "sentences"

    def good(self) -> list[str]:
        return [
            probes.paragraphs(self.most),
            probes.paragraphs(1),
            probes.paragraphs(1, max(1, self.most - 1), 1),
        ]

    def bad(self) -> list[str]:
        return [probes.paragraphs(self.most + 3), probes.paragraphs(1, 2 * self.most + 2)]

    def telling(self) -> list[str]:
        return _characters(self.most)

    def source(self) -> str:
        split = _SPLIT.format("paragraph.strip()")
        return (
            "import re\n\ndef check_following(instruction, response):\n"
            "    paragraphs = re.split(r'\\n\\s*\\n', response.strip())\n"
            f"    return all(len({split}) <= {self.most} for paragraph in paragraphs)\n"
        )


@dataclass(frozen=True)
class WordLetters:
    """Every word has at least `least` letters. From five on, ordinary language cannot keep it."""

    least: int

    unit: ClassVar[str] = "letters"

    def good(self) -> list[str]:
        word = ("abcdefghijklmnopqrstuvwxyz" * (self.least // 26 + 2))[: self.least + 2]
        return [word, f"{word} {word} {word}"]

    def bad(self) -> list[str]:
        return (
            [*probes.ORDINARY, probes.words(60), probes.words(400)]
            if self.least >= 5
            else [f"A {'b' * self.least} a."]
        )

    def telling(self) -> list[str]:
        return []

    def source(self) -> str:
        return ""


@dataclass(frozen=True)
class NamedKeywords:
    """Every one of these words or phrases occurs."""

    wanted: tuple[str, ...]

    unit: ClassVar[str] = "keywords"

    def good(self) -> list[str]:
        return [probes.with_words(list(self.wanted))]

    def bad(self) -> list[str]:
        lowered = [word.lower() for word in self.wanted]
        plain = [text for text in probes.ORDINARY if not any(word in text.lower() for word in lowered)]
        frame = probes.with_words(["rain"]).lower()
        out = plain[:2]
        for position, word in enumerate(lowered):  # all but one, where that one hides in no other
            others = [w for i, w in enumerate(self.wanted) if i != position]
            if others and word not in frame and not any(word in other.lower() for other in others):
                out.append(probes.with_words(others))
        return out

    def telling(self) -> list[str]:
        return []

    def source(self) -> str:
        return (
            "import re\n\ndef check_following(instruction, response):\n"
            f"    keywords = {list(self.wanted)!r}\n"
            "    return all(re.search(r'(?<!\\w)' + re.escape(k) + r'(?!\\w)', response, re.IGNORECASE) for k in keywords)\n"
        )


@dataclass(frozen=True)
class Without:
    """A punctuation mark does not occur."""

    mark: str

    unit: ClassVar[str] = "marks"

    def good(self) -> list[str]:
        return [probes.words(20), probes.words(60), probes.paragraphs(2, 1), probes.paragraphs(1, 2, 2)]

    def bad(self) -> list[str]:
        text, second = probes.words(20), probes.paragraphs(2, 2)
        return [
            text.replace(" ", f"{self.mark} ", 1),
            second[:-1] + self.mark,
            second.replace(" ", f"{self.mark} ", 1),
        ]

    def telling(self) -> list[str]:
        return []

    def source(self) -> str:
        return f"def check_following(instruction, response):\n    return {self.mark!r} not in response\n"


_AROUND = re.compile(r"\b(around|about|approximately|close to|roughly)\b")
_LEAST = re.compile(
    r"\b(at least|no fewer than|no less than|no shorter|minimum|not be shorter|lower limit|fall below|fewer than)\b"
)
_MOST = re.compile(
    r"\b(at most|no more than|not exceed|should exceed|does not exceed|or fewer|or less|maximum|max|not surpass|limit|cap"
    r"|capped|confine|confined|under|no longer|up to|restrict)\b"
)
_INCLUDE = re.compile(
    r"\b(include|includ\w+|inclusion|incorporate|mention|use|feature|features|weave|integrate)\b"
)
_EXCLUDE = re.compile(r"\b(no|not|avoid|avoiding|exclud\w+|free of|refrain|without)\b")
#: Words that make a count about something else than the whole response.
_PARTIAL = re.compile(
    r"\b(each|every|per|bullets?|items?|lines?|stanzas?|verses?|titles?|headings?|steps?|sections?|first|last|start\w*"
    r"|begin\w*|end\w*|unique|different|capital\w*|rhym\w*|repeat\w*|times|points?|examples?|paragraphs?)\b"
)
_MARKS = {"question mark": "?", "semicolon": ";", "colon": ":", "comma": ",", "exclamation mark": "!"}


def read(text: str) -> Claim | None:
    """The claim of a constraint's text; None where there is any doubt, or where it is too large for probes."""
    return None if unprobed(text) else _understood(text)


def unprobed(text: str) -> str:
    """Why a claim that is understood is left alone all the same; "" for any other text."""
    return oversized(_understood(text), _FAR)


def _understood(text: str) -> Claim | None:
    low = text.lower()
    quoted = re.findall(r'"([^"]+)"', text)
    numbers = [number_of(n) for n in re.findall(r"\d[\d,]*", re.sub(r'"[^"]*"', " ", low))]
    if quoted:
        doubtful = _EXCLUDE.search(re.sub(r"don't forget|not only", " ", low.split('"')[0])) or numbers
        return NamedKeywords(tuple(quoted)) if _INCLUDE.search(low) and not doubtful else None
    if not numbers:
        marks = [sign for name, sign in _MARKS.items() if re.search(rf"\b{name}s?\b", low)]
        simple = len(low) < 90 and not re.search(r"[,;]| and | or |separat|at the end|instead", low)
        return Without(marks[0]) if len(marks) == 1 and simple and _EXCLUDE.search(low) else None
    if min(numbers) < 1 or len(numbers) > 2 or "word" not in low + (" word" if "paragraph" in low else ""):
        return None
    return _counted(low, numbers)


def _counted(low: str, numbers: list[int]) -> Claim | None:
    number, least, most = numbers[0], bool(_LEAST.search(low)), bool(_MOST.search(low))
    if re.search(r"\b(characters?|letters?)\b", low):
        return WordLetters(number) if len(numbers) == 1 and least and re.search(r"\bwords?\b", low) else None
    if "sentence" in low:
        if len(numbers) != 1 or least or not most:
            return None
        if "paragraph" in low:
            return ParagraphSentences(number) if "word" not in low else None
        return SentenceWords(number)
    if _PARTIAL.search(low.replace("to the point", "")):
        return None
    if len(numbers) == 2:
        return WordCount(*numbers) if numbers[0] < numbers[1] else None
    if _AROUND.search(low):
        room = max(5, number // 10)
        return WordCount(max(1, number - room), number + room, around=number)
    if re.search(r"\bor fewer\b|\bor less\b|\bno more than\b|\bat most\b|\bnot exceed\b|\bno longer\b", low):
        return WordCount(0, number)
    if least and not re.search(
        r"\b(fewer|shorter|below) than\b", re.sub(r"no (fewer|shorter|less) than", " ", low)
    ):
        return WordCount(number, _FAR)
    return None
