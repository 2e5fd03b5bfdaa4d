"""Texts and parameters drawn for a rule, from its example and from pieces that its kind of rule stumbles over."""

from __future__ import annotations

import random
from typing import Any

from verif.core import rules
from verif.errors import InputError

PIECES = (
    "and", "But", "yet,", "Emma", "Leopold", "level", "Radar", "1,000", "3.5", "2020-21", "...", "?!", "!?", "‽", ".", "!", "?",
    ",", ";", ":", "\n", "\n\n", " \n", "* ", "  - ", "- ", '"', "'", "(", "[", "{", ")", "]", "}", "日本", "ひらがな", "😀", "❤️",
    "👍🏽", "e.g.", "Dr. ", "Mr. Smith", "Ph.D.", "U.S. They", "Acme Co. He", "St. Ives", "A. ", "I", "don't", "cannot", "gonna",
    "it's", "well-known", "<i>x</i>", "<em>y</em>", "</i>", "My Answer:", "My Conclusion:", "Question 1: Why?", "A) b",
    "Zimbabwe",
    "maybe", "the", "The", "lamp", "Lamp.", "old harbour", "vibrant", "sea", "Sea", "--", "—", "“quoted.”", '"Quoted."',
    "www.a.com",
    "me@x.org", "\t", "\r\n", "\u00a0", "\u2028", "é", "ß", "İ", "SEPARATOR", "!?!?", "***", "******", "* * *", "<<a", "b>>",
    "[a]",
    "she/her", "myself", "apple", "Zebra", "quiet", "boats", "bob", "strength", "a", "ID,Country", "elgae dlab", "eagle bald",
)  # fmt: skip
WORDS = ("lamp", "the", "sea", "a", "old harbour", "Vibrant", ".", "don't", "I", "quiet")


def edited(rng: random.Random, text: str) -> str:
    """The text with up to four small edits."""
    for _ in range(rng.randint(0, 4)):
        at = rng.randint(0, len(text))
        end = min(len(text), at + rng.randint(1, 12))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[end:]
        elif kind == 2:
            text = text[:end] + text[at:]
        elif kind == 3:
            text = text[:at] + text[at:end].swapcase() + text[end:]
        else:
            text = text[:at] + f" {rng.choice(PIECES)} " + text[at:]
    return text


def text_for(rng: random.Random, example: rules.Example, known: list[str]) -> str:
    """A text: the example's, one that is known, or pieces put together; each with small edits."""
    kind = rng.randrange(4)
    if kind == 0:
        return edited(rng, example.follows)
    if kind == 1:
        return edited(
            rng, rng.choice((example.follows, example.fails)) + rng.choice((" ", "\n", "")) + example.follows
        )
    if kind == 2 and known:
        text = rng.choice(known)
        begin = rng.randrange(len(text) or 1)
        return edited(rng, text[begin : begin + rng.randint(1, 300)])
    return rng.choice(("", " ", " ")).join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))


def params_for(rng: random.Random, name: str, example: rules.Example) -> dict[str, Any]:
    """The example's parameters, or others of their kind that the rule accepts."""
    for _ in range(20):
        raw = dict(example.params)
        for key, value in raw.items():
            if rng.random() < 0.5:
                raw[key] = rng.randint(1, 9) if isinstance(value, int) else rng.choice((value, *WORDS))
        try:
            rules.validate(name, raw)
        except InputError:
            continue
        return raw
    return dict(example.params)
