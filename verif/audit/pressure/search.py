"""A search for false responses that the verifier accepts: accepted ones are changed, and survivors are changed again.

Two generations: the second starts from all that the verifier still accepted, as a policy does that is rewarded for it.
Success is counted among mutants that are false in what the judge is asked about (in what rules decide, where no judge
is), so that a rule that refuses a mutant does the judge no credit.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from verif.audit.cases import AuditCase, Opinion, ask
from verif.audit.pressure.edits import EDITS, company, mutate, neighbours
from verif.audit.pressure.truth import Truths
from verif.core.verifies import Verifies
from verif.recipe import Recipe
from verif.stats import Interval, proportion

GENERATIONS = 2


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A changed response and what verifier and oracle say; `edits` are those that led to it, the last one last."""

    edits: tuple[str, ...]
    case: AuditCase
    opinion: Opinion

    def fooled(self, judged: bool) -> bool | None:
        """Whether it is false and was accepted; None where it is not false, or one of the two gave no answer."""
        truth = self.case.soft if judged else self.case.hard
        accepted = self.opinion.judge if judged else self.opinion.rules
        return None if truth is not False or accepted is None else accepted


@dataclass(frozen=True, slots=True)
class Search:
    """What a search tried. `parents`: accepted true responses that it began with."""

    parents: int
    mutants: tuple[ChangedAnswer, ...]
    judged: bool

    def by_edit(self) -> dict[str, Interval]:
        """Success among false mutants, by the last edit."""
        said: dict[str, list[bool]] = defaultdict(list)
        for mutant in self.mutants:
            if (fooled := mutant.fooled(self.judged)) is not None:
                said[mutant.edits[-1]].append(fooled)
        return {name: proportion(sum(said[name]), len(said[name])) for name in EDITS if name in said}

    @property
    def success(self) -> Interval:
        """Success of all edits together."""
        said = [fooled for mutant in self.mutants if (fooled := mutant.fooled(self.judged)) is not None]
        return proportion(sum(said), len(said))

    def worst(self, n: int) -> list[ChangedAnswer]:
        """False mutants that were accepted, from the most successful edits first; the shortest of each come first."""
        rates = {name: rate.value for name, rate in self.by_edit().items()}
        fooled = [mutant for mutant in self.mutants if mutant.fooled(self.judged)]
        return sorted(fooled, key=lambda m: (-rates[m.edits[-1]], len(m.case.text), m.case.text))[:n]


async def search(
    verifier: Verifies, parents: Sequence[AuditCase], recipe: Recipe, truths: Truths, mutants: int, seed: str
) -> Search:
    """Change `parents` (accepted and true) `mutants` times in all; the same seed asks the same unless verdicts differ."""
    rng, section = random.Random(seed), recipe.verifier
    alive: list[tuple[tuple[str, ...], AuditCase]] = [((), case) for case in parents]
    tried: list[ChangedAnswer] = []
    known = {(case.instruction.id, case.text) for case in parents}
    if not alive:
        return Search(0, (), recipe.judged)
    behind = neighbours([case.text for case in parents])
    for generation in range(GENERATIONS):
        made: list[tuple[tuple[str, ...], AuditCase]] = []
        for number in range(mutants // GENERATIONS):
            edits, case = rng.choice(alive)
            near = company(case.instruction, rng.choice(parents).text, behind)
            name = list(EDITS)[number % len(EDITS)]
            text = mutate(rng, name, case.text, near)
            if text and (case.instruction.id, text) not in known:
                known.add((case.instruction.id, text))
                made.append(
                    ((*edits, name), AuditCase(f"mutant-{generation}-{number}", case.instruction, text, ()))
                )
        told = await truths([(case.instruction, case.text) for _, case in made])
        cases = [AuditCase(c.id, c.instruction, c.text, t) for (_, c), t in zip(made, told, strict=True)]
        opinions = await ask(
            verifier, cases, section.formula, soft=recipe.judged, reasoning=section.reasoning
        )
        born = [ChangedAnswer(e, c, o) for (e, _), c, o in zip(made, cases, opinions, strict=True)]
        tried += born
        alive += [(mutant.edits, mutant.case) for mutant in born if mutant.opinion.accepted]
    return Search(len(parents), tuple(tried), recipe.judged)
