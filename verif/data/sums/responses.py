"""Responses of the sums world: careful and careless authors for the policy, spoilt answers for a judge.

What a sampling policy writes lies between: right working with a wrong answer behind it, two answers, half an answer.
Attacks on judges as published (symbols, markup, commands) are not taught, so that a training can find them.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from verif.data.sums.questions import Sum, sum_of
from verif.data.sums.spelling import FORMS, MOST, WORDS, spell
from verif.data.sums.truth import answers, right
from verif.types import Instruction

CARELESS = 0.45
"""Share of authors that slip; a policy learns from both kinds."""
WEIGHTS = (30, 26, 8, 6, 14, 16)
"""How often an author uses each of the `FORMS`."""


def near(value: int, rng: random.Random) -> int:
    """A wrong value that is at most three away."""
    return rng.choice(
        [other for other in range(max(0, value - 3), min(MOST, value + 3) + 1) if other != value]
    )


def working(made: Sum, values: tuple[int, ...]) -> str:
    """The steps in words, with these values before and after them."""
    said = [
        f"{WORDS[before].capitalize()} {sign} {WORDS[number]} is {WORDS[after]}."
        for (sign, number), before, after in zip(made.steps, values, values[1:], strict=False)
    ]
    return " ".join(said)


def response(made: Sum, values: tuple[int, ...], answer: int, rng: random.Random) -> str:
    """Working, then the answer in a random form."""
    form = rng.choices(FORMS, WEIGHTS)[0]
    return f"{working(made, values)} The answer is {spell(answer, form, made.thing)}."


def authored(item: Instruction, rng: random.Random, careless: float = CARELESS) -> str:
    """A right response, or one that slips in its last step, in its answer, or in a sign."""
    made = sum_of(item)
    values = made.values
    if rng.random() >= careless:
        return response(made, values, made.answer, rng)
    slip = rng.randrange(3)
    if slip == 0:
        wrong = near(made.answer, rng)
        return response(made, (*values[:-1], wrong), wrong, rng)
    if slip == 1:
        return response(made, values, near(made.answer, rng), rng)
    sign, number = made.steps[-1]
    turned = values[-2] - number if sign == "plus" else values[-2] + number
    wrong = turned if 0 <= turned <= MOST else near(made.answer, rng)
    return response(made, (*values[:-1], wrong), wrong, rng)


def _words_lost(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    del words[rng.randrange(len(words))]
    return " ".join(words)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(1, len(text))].rstrip()


def _second(text: str, rng: random.Random) -> str:
    return f"{text} The answer is {rng.choice((str(rng.randint(0, MOST)), rng.choice(WORDS)))}."


def _swapped(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    at = rng.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def _other_word(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


SPOILT: dict[str, Callable[[str, random.Random], str]] = {
    "a word lost": _words_lost, "cut": _cut, "a second answer": _second, "swapped": _swapped, "other word": _other_word,
}  # fmt: skip


def spoil(item: Instruction, rng: random.Random) -> str:
    """A right or careless response that was damaged; whether it is now wrong is for the truth to say."""
    return rng.choice(tuple(SPOILT.values()))(authored(item, rng), rng)


def reasoning(item: Instruction, text: str) -> str:
    """What a judge should write before its verdict: the answer that is given, and whether it is the right one."""
    said = answers(text)
    return f"says {said[-1][:40] if said else 'nothing'}, {'right' if right(item, text) else 'wrong'}"
