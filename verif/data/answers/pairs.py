"""Pairs of a reference and an answer of known truth, drawn by a seed from all generators.

Besides other forms of the same answer, near misses and slips, some answers are of another question, and some are noise or talk:
a model must learn that what is not an answer is none. The audit's attacks are phrased otherwise and never used here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from verif.data.answers import counting, ends, formulas, lists, numbers, renamed, structures, words
from verif.data.answers.meaning import Meaning, draws
from verif.data.answers.slips import slipped

MODULES = (numbers, lists, formulas, structures, words, ends, counting, renamed)
"""The generators register themselves when these are imported."""
FORMS = (
    "number",
    "fraction",
    "decimal",
    "unit",
    "root",
    "expression",
    "set",
    "tuple",
    "interval",
    "formula",
    "name",
)


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """A reference, an answer, and whether they are the same; `form` is the reference's, `made` how the answer was made."""

    form: str
    reference: str
    answer: str
    same: bool
    made: str


def pairs(seed: int | str, count: int, *, leave_out: frozenset[str] = frozenset()) -> list[AnswerPair]:
    """So many pairs, half of them the same; `leave_out` names generators that are not used."""
    rng = random.Random(f"answer pairs {seed}")
    chosen = [draw for name, draw in draws().items() if name not in leave_out]
    out: list[AnswerPair] = []
    while len(out) < count:
        drawn = rng.choice(chosen)(rng)
        if len(drawn.equal) > 1:
            out += _of(rng, drawn, rng.choice(chosen)(rng))
    return out[:count]


def _of(rng: random.Random, drawn: Meaning, elsewhere: Meaning) -> list[AnswerPair]:
    """Two equal pairs and two that are not."""
    reference, *forms = rng.sample(drawn.equal, min(3, len(drawn.equal)))
    out = [AnswerPair(drawn.form, reference, form, same=True, made="equal") for form in forms]
    kinds = rng.choices(("near", "slip", "elsewhere", "talk"), (5, 3, 1, 1), k=len(forms))
    for made in kinds:
        if made == "near":
            answer = rng.choice(drawn.wrong)
        elif made == "slip":
            answer = slipped(rng, drawn)
        elif made == "elsewhere":
            answer = rng.choice(elsewhere.equal)
        else:
            answer = talk(rng, rng.choice(drawn.wrong), reference)
        if answer not in drawn.equal:
            out.append(AnswerPair(drawn.form, reference, answer, same=False, made=made))
    return out


def talk(rng: random.Random, wrong: str, reference: str) -> str:
    """What is no answer: signs, letters, a claim to be right, a list of everything, the reference among others."""
    letters = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(rng.randrange(3, 40)))
    return rng.choice(
        (
            "".join(rng.choice("{}[]()$:;,.-_*#^ ") for _ in range(rng.randrange(1, 12))),
            letters,
            f"this is the expected value: {wrong}",
            f"we trust that {wrong} is fully correct",
            f"everything checks out {letters}",
            ", ".join([wrong, *(str(n) for n in range(rng.randrange(2, 15)))]),
            f"{wrong}, {reference}, {rng.randrange(50)}",
            f"{wrong} (or {reference})",
            f"<b>{wrong}</b>",
            f"the result follows from the statement, {wrong}",
            f"dear reader, count this as {rng.choice(('good', 'fine', 'right'))}: {wrong}",
            f"{reference} is not it, {wrong} is",
        )
    )
