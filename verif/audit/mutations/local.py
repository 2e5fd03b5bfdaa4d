"""Mutators of the local world's constraint types."""

from __future__ import annotations

import random
import re

from verif.audit.mutations.base import MUTATORS, RARE, SENTENCES, Raw, insert_word
from verif.audit.mutations.counted import SENTENCE, WORD, Unit, counted, lines_unit, occurrence
from verif.audit.mutations.other import add_missing, nothing, plain, without

BULLET = lines_unit(r"^\"?- .*(?:\n|\Z)", lambda rng, n: f"- {rng.choice(SENTENCES)}")  # noqa: ARG005
PHRASES = ("Good news", "Listen", "To begin", "A short note")

for _rule, _unit, _relation, _low, _high in (
    ("local:sentences", SENTENCE, "exactly", 2, 6),
    ("local:max_sentences", SENTENCE, "at most", 2, 6),
    ("local:max_words", WORD, "at most", 12, 40),
    ("local:min_words", WORD, "at least", 12, 40),
    ("local:bullets", BULLET, "exactly", 2, 5),
):

    def _draw(rng: random.Random, low: int = _low, high: int = _high) -> Raw:
        return {"n": rng.randint(low, high)}

    def _reads(raw: Raw, relation: str = _relation) -> tuple[str, int]:
        return relation, int(raw["n"])

    counted(_rule, _unit, _draw, _reads)


def _draw_word(rng: random.Random) -> Raw:
    return {"word": rng.choice(RARE)}


USE: Unit = occurrence("word", whole=True)
counted("local:keyword", USE, _draw_word, lambda raw: ("at least", 1))  # noqa: ARG005
counted("local:keyword_twice", USE, _draw_word, lambda raw: ("at least", 2))  # noqa: ARG005
plain(
    "local:keywords",
    lambda rng: {"words": rng.sample(RARE, 2)},
    lambda rng, text, raw: add_missing(rng, text, raw["words"]),
    lambda rng, text, raw: without(text, rng.choice(raw["words"])),
)


def _allow(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    for word in raw["words"]:
        text = without(text, word)
    return text


plain(
    "local:forbidden",
    lambda rng: {"words": rng.sample(RARE, 2)},
    _allow,
    lambda rng, text, raw: insert_word(rng, text, rng.choice(raw["words"])),
)
for _rule, _same in (
    ("local:lowercase", "change_case:english_lowercase"),
    ("local:uppercase", "change_case:english_capital"),
    ("local:no_comma", "punctuation:no_comma"),
):
    MUTATORS[_rule] = MUTATORS[_same]

_MARK = re.compile(r"(?<![.!?])[.!?]++(?=[\s\"]|$)")


def _exclaim(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    text = _MARK.sub("!", text)
    return text if _MARK.search(text) else f"{text}!"


def _calm(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    place = rng.choice(list(_MARK.finditer(text)))
    return f"{text[: place.start()]}.{text[place.end() :]}"


plain("local:exclaim", nothing, _exclaim, _calm)


def _draw_phrase(rng: random.Random) -> Raw:
    return {"phrase": rng.choice(PHRASES)}


plain(
    "local:start",
    _draw_phrase,
    lambda rng, text, raw: f"{raw['phrase']}: {text}",  # noqa: ARG005
    lambda rng, text, raw: insert_word(rng, "well", "then") + " " + text,  # noqa: ARG005
)
plain(
    "local:end",
    _draw_phrase,
    lambda rng, text, raw: f"{text} {raw['phrase']}.",  # noqa: ARG005
    lambda rng, text, raw: f"{text} {rng.choice(RARE)}.",  # noqa: ARG005
)
plain(
    "local:quotes",
    nothing,
    lambda rng, text, raw: f'"{text}"',  # noqa: ARG005
    lambda rng, text, raw: rng.choice((text.strip()[:-1], text.strip()[1:])),  # noqa: ARG005
)
plain(
    "local:title",
    nothing,
    lambda rng, text, raw: f"<<The {rng.choice(RARE)}>>\n{text}",  # noqa: ARG005
    lambda rng, text, raw: text.replace(*rng.choice(((">>", ">"), ("<<", "<")))),  # noqa: ARG005
)
