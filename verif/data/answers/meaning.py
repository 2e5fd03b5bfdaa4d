"""What an answer may mean: several texts that say it, and texts that say almost it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """One answer: `equal` texts all say it (at least two), none of the `wrong` ones does. `form` names its kind."""

    form: str
    equal: tuple[str, ...]
    wrong: tuple[str, ...]


Draw = Callable[[random.Random], Meaning]
_DRAWS: dict[str, Draw] = {}


def meaning(draw: Draw) -> Draw:
    """Register a generator under its name."""
    _DRAWS[draw.__name__] = draw
    return draw


def draws() -> dict[str, Draw]:
    """All generators by name."""
    return dict(_DRAWS)


def made(form: str, equal: Sequence[str], wrong: Sequence[str]) -> Meaning:
    """A meaning whose wrong texts are none of the equal ones."""
    right = list(dict.fromkeys(equal))
    return Meaning(form, tuple(right), tuple(text for text in dict.fromkeys(wrong) if text not in right))


def other(rng: random.Random, number: int) -> int:
    """Another integer that looks like this one: a digit, the sign, or the next."""
    digits = str(abs(number))
    place = rng.randrange(len(digits))
    digit = rng.choice(
        [d for d in "0123456789" if d != digits[place] and (place or d != "0" or len(digits) == 1)]
    )
    changed = int(digits[:place] + digit + digits[place + 1 :])
    choices = [
        number + 1,
        number - 1,
        changed if number >= 0 else -changed,
        -number if number else 1,
        number * 2 + 1,
    ]
    if len(digits) > 1:
        choices += [number // 10, int(str(number) + str(rng.randrange(10)))]
    return rng.choice([choice for choice in choices if choice != number])
