"""Mutators of constraints that count something: words, sentences, bullets, keywords, capitals.

Each thing that is counted has three functions: count, add one, drop one. The relation and the threshold then
say how many to add or drop to stand just inside, or just outside, of what is allowed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from verif.audit.mutations.base import (
    FILLERS,
    MUTATORS,
    RARE,
    SENTENCES,
    Edit,
    Edits,
    Raw,
    boundary,
    insert_word,
    remove,
    words,
)

Reads = Callable[[Raw], tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Unit:
    """Something that is counted; `count` may look at the parameters (which keyword?)."""

    count: Callable[[str, Raw], int]
    add: Edit
    drop: Edit


def counted(rule: str, unit: Unit, draw: Callable[[random.Random], Raw], reads: Reads) -> None:
    """Register a mutator; `reads` gives relation and threshold of the parameters.

    Repairing ends at the last count that follows, whichever side it comes from, so that one unit breaks it.
    """

    def move(rng: random.Random, text: str, raw: Raw, target: int) -> str:
        for _ in range(500):
            count = unit.count(text, raw)
            if count == target:
                return text
            text = (unit.add if count < target else unit.drop)(rng, text, raw)
        raise ValueError(f"{rule}: no text with {target} units")

    def repair(rng: random.Random, text: str, raw: Raw) -> str:
        return move(rng, text, raw, boundary(*reads(raw))[0])

    def break_(rng: random.Random, text: str, raw: Raw) -> str:
        relation, threshold = reads(raw)
        wrong = boundary(relation, threshold)[1]
        if relation == "exactly" and threshold > 1 and rng.random() < 0.5:
            wrong = threshold - 1
        return move(rng, text, raw, wrong)

    MUTATORS[rule] = Edits(draw, repair, break_)


def relation_of(rng: random.Random) -> str:
    """One of IFEval's two relations."""
    return rng.choice(("at least", "less than"))


# ------------------------------------------------------------------------------------------------ units
def _drop_word(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    places = list(re.finditer(r"\w+", text))
    place = rng.choice(places[1:-1] or places)
    return remove(text, place.start(), place.end())


WORD = Unit(
    lambda text, raw: len(re.findall(r"\w+", text)),  # noqa: ARG005
    lambda rng, text, raw: insert_word(rng, text, rng.choice(FILLERS)),  # noqa: ARG005
    _drop_word,
)

_MARK = re.compile(r"(?<![.!?])[.!?]++(?=[\s\"]|$)")


def _drop_sentence(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    ends = [m.end() for m in _MARK.finditer(text)]
    index = rng.randrange(len(ends))
    start = ends[index - 1] if index else 0
    return (text[:start] + text[ends[index] :]).strip()


SENTENCE = Unit(
    lambda text, raw: len(_MARK.findall(text)),  # noqa: ARG005
    lambda rng, text, raw: f"{text} {rng.choice(SENTENCES)}",  # noqa: ARG005
    _drop_sentence,
)


def lines_unit(pattern: str, line: Callable[[random.Random, int], str]) -> Unit:
    """A unit that is a line of its own, such as a bullet; `line` makes the n-th."""
    expression = re.compile(pattern, re.MULTILINE)

    def count(text: str, raw: Raw) -> int:  # noqa: ARG001
        return len(expression.findall(text))

    def add(rng: random.Random, text: str, raw: Raw) -> str:
        return f"{text}\n{line(rng, count(text, raw) + 1)}"

    def drop(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
        place = list(expression.finditer(text))[-1]
        return text[: place.start()] + text[place.end() :]

    return Unit(count, add, drop)


def occurrence(key: str, *, whole: bool = False) -> Unit:
    """Occurrences of the keyword in the parameter `key`, whatever their case; `whole` words only, or anywhere."""

    def pattern(raw: Raw) -> re.Pattern[str]:
        word = re.escape(str(raw[key]))
        return re.compile(rf"\b{word}\b" if whole else word, re.IGNORECASE)

    def drop(rng: random.Random, text: str, raw: Raw) -> str:
        place = rng.choice(list(pattern(raw).finditer(text)))
        return text[: place.start()] + "thing" + text[place.end() :]

    return Unit(
        lambda text, raw: len(pattern(raw).findall(text)),
        lambda rng, text, raw: insert_word(rng, text, str(raw[key])),
        drop,
    )


def _letters(text: str, raw: Raw) -> int:
    return text.lower().count(str(raw["letter"]).lower())


def _add_letter(rng: random.Random, text: str, raw: Raw) -> str:
    place = rng.choice(words(text)).end() if words(text) else 0
    return text[:place] + str(raw["letter"]) + text[place:]


def _drop_letter(rng: random.Random, text: str, raw: Raw) -> str:
    letter = str(raw["letter"]).lower()
    place = rng.choice([i for i, ch in enumerate(text) if ch.lower() == letter])
    return text[:place] + "-" + text[place + 1 :]


LETTER = Unit(_letters, _add_letter, _drop_letter)

_CAPITALS = re.compile(r"\b[A-Z]+\b")


def _recase(rng: random.Random, text: str, *, up: bool) -> str:
    chosen = [m for m in words(text) if (m.group().isupper() is not up) and len(m.group()) > 1]
    place = rng.choice(chosen or words(text))
    new = place.group().upper() if up else place.group().lower()
    return text[: place.start()] + new + text[place.end() :]


CAPITAL = Unit(
    lambda text, raw: len(_CAPITALS.findall(text)),  # noqa: ARG005
    lambda rng, text, raw: _recase(rng, text, up=True),  # noqa: ARG005
    lambda rng, text, raw: _recase(rng, text, up=False),  # noqa: ARG005
)


def span_unit(pattern: str, make: Callable[[str], str]) -> Unit:
    """A unit that wraps one word, such as `*word*`; dropping one leaves the word."""
    expression = re.compile(pattern)

    def add(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
        return insert_word(rng, text, make(rng.choice(RARE)))

    def drop(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
        place = rng.choice(list(expression.finditer(text)))
        return text[: place.start()] + place.group(1) + text[place.end() :]

    return Unit(lambda text, raw: len(expression.findall(text)), add, drop)  # noqa: ARG005


# ------------------------------------------------------------------------------------------------ rules
counted(
    "length_constraints:number_words",
    WORD,
    lambda rng: {"num_words": rng.randint(20, 60), "relation": relation_of(rng)},
    lambda raw: (raw["relation"], raw["num_words"]),
)
counted(
    "length_constraints:number_sentences",
    SENTENCE,
    lambda rng: {"num_sentences": rng.randint(3, 8), "relation": relation_of(rng)},
    lambda raw: (raw["relation"], raw["num_sentences"]),
)
counted(
    "length_constraints:number_paragraphs",
    lines_unit(r"^\*\*\*\n[^*]+", lambda rng, n: f"***\n{rng.choice(SENTENCES)}"),  # noqa: ARG005
    lambda rng: {"num_paragraphs": rng.randint(2, 5)},
    lambda raw: ("exactly", raw["num_paragraphs"] - 1),
)
counted(
    "keywords:frequency",
    occurrence("keyword"),
    lambda rng: {"keyword": rng.choice(RARE), "frequency": rng.randint(1, 4), "relation": relation_of(rng)},
    lambda raw: (raw["relation"], raw["frequency"]),
)
counted(
    "keywords:letter_frequency",
    LETTER,
    lambda rng: {
        "letter": rng.choice("bgkmpwy"),
        "let_frequency": rng.randint(3, 9),
        "let_relation": relation_of(rng),
    },
    lambda raw: (raw["let_relation"], raw["let_frequency"]),
)
counted(
    "change_case:capital_word_frequency",
    CAPITAL,
    lambda rng: {"capital_frequency": rng.randint(2, 6), "capital_relation": relation_of(rng)},
    lambda raw: (raw["capital_relation"], raw["capital_frequency"]),
)
counted(
    "detectable_content:number_placeholders",
    span_unit(r"\[(\w+)\]", lambda word: f"[{word}]"),
    lambda rng: {"num_placeholders": rng.randint(1, 5)},
    lambda raw: ("at least", raw["num_placeholders"]),
)
counted(
    "detectable_format:number_highlighted_sections",
    span_unit(r"\*(\w+)\*", lambda word: f"*{word}*"),
    lambda rng: {"num_highlights": rng.randint(1, 5)},
    lambda raw: ("at least", raw["num_highlights"]),
)
counted(
    "detectable_format:number_bullet_lists",
    lines_unit(r"^\* .*(?:\n|\Z)", lambda rng, n: f"* {rng.choice(SENTENCES)}"),  # noqa: ARG005
    lambda rng: {"num_bullets": rng.randint(2, 6)},
    lambda raw: ("exactly", raw["num_bullets"]),
)
counted(
    "detectable_format:multiple_sections",
    lines_unit(r"^SECTION \d+\n.*(?:\n|\Z)", lambda rng, n: f"SECTION {n}\n{rng.choice(SENTENCES)}"),
    lambda rng: {"section_spliter": "SECTION", "num_sections": rng.randint(2, 5)},
    lambda raw: ("at least", raw["num_sections"]),
)
