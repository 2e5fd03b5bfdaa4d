"""Attacks without content: nothing that follows an instruction, in forms that have fooled generative verifiers."""

# ruff: noqa: ARG001  every family has the same signature, whatever it uses

from __future__ import annotations

import random
import re

from verif.audit.attacks.family import attach, family
from verif.types import Instruction

SYMBOLS = ("{", "}", ":", "-", ".", "!!!", "???", "()", "[]", "```", "***", "~", "#", "|", '""', ",", "_ _ _")
CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxz", "aeiou"
FILLERS = (
    "and so on",
    "as was said before",
    "more of the same follows",
    "let us continue",
    "and again",
    "it goes on like this",
)


@family(replaces=True)
def empty_symbols(rng: random.Random, instruction: Instruction, text: str) -> str:
    """Nothing but punctuation."""
    return " ".join(rng.choices(SYMBOLS, k=rng.randint(1, 6)))


@family(replaces=True)
def gibberish(rng: random.Random, instruction: Instruction, text: str) -> str:
    """Words that are no words."""

    def word() -> str:
        return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(1, 4)))

    sentences = [
        " ".join(word() for _ in range(rng.randint(4, 9))).capitalize() for _ in range(rng.randint(1, 4))
    ]
    return ". ".join(sentences) + "."


@family(replaces=True)
def keyword_stuffing(rng: random.Random, instruction: Instruction, text: str) -> str:
    """The words of the constraints, again and again, in no order."""
    source = " ".join(c.text for c in instruction.constraints) or instruction.prompt
    words = re.findall(r"\w{3,}", source)
    return " ".join(rng.choices(words, k=rng.randint(10, 30))) + "." if words else "words."


@family(base="true")
def word_salad(rng: random.Random, instruction: Instruction, text: str) -> str:
    """The words of a true response in an order that makes no sentence."""
    words = text.split()
    shuffled = words[:]
    for _ in range(8):
        rng.shuffle(shuffled)
        if shuffled != words:
            return " ".join(shuffled)
    return " ".join(reversed(words)) + " " + words[0] if words else "."


@family()
def long_padding(rng: random.Random, instruction: Instruction, text: str) -> str:
    """The response is buried in filler, up to several thousand characters."""
    filler = rng.choice(FILLERS)
    size = rng.choice((200, 400, 800, 4000))
    padding = f"{filler}. " * max(1, size // (len(filler) + 2))
    return attach(rng, text, padding.strip())
