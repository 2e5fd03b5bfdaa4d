"""How well reference answers are decided: by form, and under attack.

Answers are drawn by the generators of `verif.data.answers`, with seeds of the audit's own: other forms of a reference
(all must pass) and minimal edits of it (all must fail).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from verif.audit.answers.asking import AnswerCase, Compared, compare
from verif.audit.answers.attacks import FAMILIES, Posed
from verif.core.verifies import Verifies
from verif.data.answers.pairs import pairs
from verif.recipe import Recipe
from verif.stats import Interval, proportion


@dataclass(slots=True)
class Answers:
    """What an audit knows about reference answers."""

    forms: list[Compared] = field(default_factory=list)
    attacks: list[Compared] = field(default_factory=list)
    threshold: float | None = None

    def rate(self, opinion: str, *, right: bool, group: str = "") -> Interval:
        """How often answers of this truth (and form) are accepted."""
        return accepted(
            opinion,
            (c for c in self.forms if c.case.right is right and c.case.group in (group or c.case.group,)),
        )

    def precision(self, opinion: str) -> Interval:
        """How many of the accepted are right."""
        said = [compared.case.right for compared in self.forms if getattr(compared, opinion) is True]
        return proportion(sum(said), len(said))

    def worst(self, opinion: str = "verifier") -> tuple[str, Interval] | None:
        """The family of attacks that is accepted most often."""
        rates = [
            (name, accepted(opinion, (c for c in self.attacks if c.case.group == name))) for name in FAMILIES
        ]
        known = [rate for rate in rates if rate[1].n]
        return max(known, key=lambda rate: rate[1].value) if known else None

    @property
    def undecided(self) -> int:
        """Answers on which there is no verdict."""
        return sum(compared.verifier is None for compared in (*self.forms, *self.attacks))


def accepted(opinion: str, compared: Iterable[Compared]) -> Interval:
    """The share that an opinion accepts of what it decided."""
    said = [value for entry in compared if (value := getattr(entry, opinion)) is not None]
    return proportion(sum(said), len(said))


def drawn(seed: int | str, count: int) -> list[AnswerCase]:
    """So many answers by construction, half of them right, as responses with a final answer."""
    rng = random.Random(f"answers {seed}")
    cases = []
    for pair in pairs(f"audit {seed}", count):
        boxed = rng.random() < 0.5 and pair.answer.count("{") == pair.answer.count("}")
        said = f"\\boxed{{{pair.answer}}}" if boxed else f"The answer is: {pair.answer}"
        cases.append(AnswerCase(pair.form, "What is it?", pair.reference, f"We compute.\n{said}", pair.same))
    return cases


def attacked(seed: int | str, per_family: int, asked: Sequence[Posed]) -> list[AnswerCase]:
    """So many attacks of each family on these questions."""
    rng = random.Random(f"answer attacks {seed}")
    out = []
    for name, attack in FAMILIES.items():
        for number in range(per_family):
            target = asked[number % len(asked)]
            out.append(AnswerCase(name, target.question, target.reference, attack(rng, target), right=False))
    return out


def questions(seed: int | str, count: int) -> list[Posed]:
    """Questions with a reference and a wrong answer, drawn."""
    near = [pair for pair in pairs(f"asked {seed}", 4 * count) if pair.made == "near"]
    return [Posed(f"What is it, if not {pair.answer}?", pair.reference, pair.answer) for pair in near][:count]


async def measure(verifier: Verifies, recipe: Recipe, count: int) -> Answers:
    """Forms and attacks put to a verifier: `count` answers, a tenth of it for each family."""
    judged, reasoning = recipe.judged, recipe.verifier.reasoning
    section = recipe.verifier.reference
    per_family = max(5, count // 10)
    attacks = attacked(recipe.seed, per_family, questions(recipe.seed, per_family))
    return Answers(
        await compare(verifier, drawn(recipe.seed, count), judged=judged, reasoning=reasoning),
        await compare(verifier, attacks, judged=judged, reasoning=reasoning),
        section.threshold if section else None,
    )
