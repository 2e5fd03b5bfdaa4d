"""Slips: a right answer with one digit, one sign or two numbers of it wrong, which look like it and are not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from verif.core.answers.features import NAMES, features
from verif.data.answers.meaning import Meaning, other

_NUMBER = re.compile(r"(?<![\d.,])\d{1,9}(?![\d.,])")
_SIGN = re.compile(r"(?<=[\w)}] )[+-](?= )|(?<=[\w)}])[+-](?=[\w\\(])")
_TRIES = 12
_KNOWN = [
    NAMES.index(name)
    for name in ("values_missing", "values_extra", "values_unknown", "words_missing", "words_extra")
]


def slipped(rng: random.Random, drawn: Meaning) -> str:
    """One of the right texts with a slip; another near miss where none can be made."""
    for _ in range(_TRIES):
        text = rng.choice(drawn.equal)
        answer = rng.choice((_number, _number, _sign, _swapped))(rng, text)
        if answer and not any(_same(right, answer) for right in drawn.equal):
            return answer
    return rng.choice(drawn.wrong)


def _same(right: str, answer: str) -> bool:
    """Whether a slip changed nothing that counts: the same text, or the same values by known arithmetic."""
    if right == answer:
        return True
    row = features(right, answer)
    return not any(row[place] for place in _KNOWN)


def _number(rng: random.Random, text: str) -> str:
    return _changed(rng, _NUMBER, text, lambda digits: str(abs(other(rng, int(digits)))))


def _sign(rng: random.Random, text: str) -> str:
    return _changed(rng, _SIGN, text, lambda sign: "-" if sign == "+" else "+")


def _changed(rng: random.Random, pattern: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """The text with one match of a pattern changed; "" where there is none."""
    places = list(pattern.finditer(text))
    if not places:
        return ""
    place = rng.choice(places)
    return f"{text[: place.start()]}{change(place[0])}{text[place.end() :]}"


def _swapped(rng: random.Random, text: str) -> str:
    places = list(_NUMBER.finditer(text))
    if len({place[0] for place in places}) < 2:
        return ""
    first, second = sorted(rng.sample(places, 2), key=lambda place: place.start())
    if first[0] == second[0]:
        return ""
    return f"{text[: first.start()]}{second[0]}{text[first.end() : second.start()]}{first[0]}{text[second.end() :]}"
