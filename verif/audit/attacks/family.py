"""What an attack family is, and the table of all of them.

A family turns a response that does not follow its instruction into one that still does not, but that may
make a verifier say it does. Families are templates with a seeded generator: the same seed, the same text.
Their phrasings are the audit's own; nothing here may be used to train a judge, or the audit would measure memory.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from verif.types import Instruction

Make = Callable[[random.Random, Instruction, str], str]


@dataclass(frozen=True, slots=True)
class Family:
    """One way to fool a verifier.

    `base` says what it starts from: a false response, or a true one that it makes false (word salad).
    `replaces` says that nothing of the response is kept: the result has no content, hence is false whatever
    the instruction asks for.
    """

    name: str
    make: Make
    about: str
    base: Literal["false", "true"] = "false"
    replaces: bool = False


_FAMILIES: dict[str, Family] = {}
_PACKAGE = __name__.rpartition(".")[0]


@cache
def families() -> dict[str, Family]:
    """All families by name: those of every module of this folder, in its order."""
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{_PACKAGE}.{module.name}")
    order = sorted(
        _FAMILIES.values(), key=lambda member: member.make.__module__
    )  # stable: as written in each
    return {member.name: member for member in order}


def family(*, base: Literal["false", "true"] = "false", replaces: bool = False) -> Callable[[Make], Make]:
    """Register a function as the family of its name; the first line of its docstring says what it does."""

    def register(make: Make) -> Make:
        name = make.__name__
        about = (make.__doc__ or "").strip().splitlines()[0].rstrip(".")
        _FAMILIES[name] = Family(name, make, about, base, replaces)
        return make

    return register


def attach(rng: random.Random, text: str, extra: str) -> str:
    """The extra text before, after, or inside (after a sentence of) the response."""
    place = rng.choice(("before", "after", "after", "inside"))
    if place == "before":
        return f"{extra} {text}"
    if place == "inside" and ". " in text:
        head, tail = text.split(". ", 1)
        return f"{head}. {extra} {tail}"
    return f"{text} {extra}"


def topics(instruction: Instruction) -> list[str]:
    """Names of what a judge is asked about: the dimensions of the soft constraints, else a general word."""
    names = [c.dimension for c in instruction.constraints if c.kind == "soft" and c.dimension]
    return names or ["content"]
