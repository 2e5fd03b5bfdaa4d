"""Questions of the sums world: one or two steps of arithmetic told in words, and the split that each belongs to."""

from __future__ import annotations

import random
from dataclasses import dataclass

from verif.data.sums.spelling import MOST, NAMES, THINGS, WORDS, counted, spell, spellings
from verif.errors import InputError
from verif.recipe.data import Asks
from verif.system.files import digest
from verif.types import Constraint, Instruction, ReferenceConstraint, SoftConstraint

SHARES = {"train": (0, 70), "validation": (70, 76), "test": (76, 89), "golden": (89, 100)}
"""Split to its share of the questions, in hundredths of a digest's range; wording and name do not matter."""
SIGNS = {"plus": 1, "minus": -1}
_MORE = {
    "plus": ("gets {} more", "finds {} more", "buys {} more"),
    "minus": ("loses {}", "gives away {}", "sells {}"),
}
_ASKED = ("How many {} does {} have?", "How many {} are there now?", "How many {} is that?")


@dataclass(frozen=True, slots=True)
class Sum:
    """A first number and one or two steps; no value on the way lies outside 0 to 20.

    >>> Sum(7, (("plus", 5), ("minus", 2)), "boat").values
    (7, 12, 10)
    """

    first: int
    steps: tuple[tuple[str, int], ...]
    thing: str

    @property
    def values(self) -> tuple[int, ...]:
        """The value before the first step and after each."""
        out = [self.first]
        for sign, number in self.steps:
            out.append(out[-1] + SIGNS[sign] * number)
        return tuple(out)

    @property
    def answer(self) -> int:
        """The right answer."""
        return self.values[-1]


def draw_sum(rng: random.Random) -> Sum:
    """A random sum of one or two steps."""
    while True:
        steps = tuple((rng.choice(tuple(SIGNS)), rng.randint(1, 9)) for _ in range(rng.choice((1, 1, 2))))
        made = Sum(rng.randint(1, 12), steps, rng.choice(THINGS))
        if all(0 < value <= MOST for value in made.values):
            return made


def split_of(made: Sum) -> str:
    """The only split that may ask this sum of this thing."""
    bucket = int(digest([made.first, [list(step) for step in made.steps], made.thing])[:8], 16) % 100
    return next(name for name, (low, high) in SHARES.items() if low <= bucket < high)


def constraint(made: Sum, asks: Asks) -> Constraint:
    """What decides the answer. A reference names the thing counted: without it, a rule could not refuse other things."""
    right = spellings(made.answer, made.thing)
    named = spell(made.answer, "digits thing", made.thing)
    if asks == "judge":
        return SoftConstraint(text=f"The right answer is {named}.", dimension="answer")
    if asks == "spellings":
        return ReferenceConstraint(text="Give the right answer.", answer=right[0], alternatives=right[1:])
    return ReferenceConstraint(text="Give the right answer.", answer=named, compare="number")


def instruction(made: Sum, asks: Asks, rng: random.Random, id: str) -> Instruction:
    """The sum in words. `meta` keeps it for the oracle, which alone reads it."""
    name, things = rng.choice(NAMES), f"{made.thing}s"
    told = [f"{name} has {counted(WORDS[made.first], made.first, made.thing)}"]
    told += [rng.choice(_MORE[sign]).format(WORDS[number]) for sign, number in made.steps]
    story = f"{', '.join(told[:-1])} and {told[-1]}."
    return Instruction(
        id=id,
        prompt=f"{story} {rng.choice(_ASKED).format(things, name)}",
        constraints=(constraint(made, asks),),
        meta={
            "sums": {"first": made.first, "steps": [list(step) for step in made.steps], "thing": made.thing},
            "families": ["answer"],
        },
    )


def draw(rng: random.Random, split: str, asks: Asks, id: str = "") -> Instruction:
    """A random question of a split (train, validation, test, golden)."""
    if split not in SHARES:
        raise InputError(f"unknown split {split!r} of the sums world", hint=f"Splits: {', '.join(SHARES)}.")
    while True:
        made = draw_sum(rng)
        if split_of(made) == split:
            return instruction(made, asks, rng, id or f"{split}-{rng.getrandbits(32):08x}")


def draw_distinct(rng: random.Random, split: str, asks: Asks, n: int) -> list[Instruction]:
    """`n` questions of a split with different prompts, ids `<split>-00001` and on."""
    chosen: dict[str, Instruction] = {}
    while len(chosen) < n:
        drawn = draw(rng, split, asks, id=f"{split}-{len(chosen) + 1:05d}")
        chosen.setdefault(drawn.prompt, drawn)
    return list(chosen.values())


def sum_of(item: Instruction) -> Sum:
    """The sum behind an instruction; an instruction from elsewhere is an `InputError`."""
    try:
        kept = item.meta["sums"]
        return Sum(kept["first"], tuple((sign, number) for sign, number in kept["steps"]), kept["thing"])
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"instruction {item.id!r} is not of the sums world: its truth is not known", field="meta.sums"
        ) from None
