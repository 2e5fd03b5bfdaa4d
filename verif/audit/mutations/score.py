"""How many minimal edits a verifier noticed, per rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.audit.cases import Opinion
from verif.audit.mutations.generate import Mutation


@dataclass(slots=True)
class RuleResult:
    """Counts for one rule. `missed`: broken responses that passed; `refused`: true or repaired ones that failed."""

    rule: str
    n: int = 0
    missed: int = 0
    refused: int = 0
    errors: int = 0

    @property
    def wrong(self) -> int:
        """Wrong decisions in either direction."""
        return self.missed + self.refused


def score(mutations: Sequence[Mutation], opinions: Sequence[Opinion]) -> list[RuleResult]:
    """One result per rule, in the order of their first mutation."""
    results: dict[str, RuleResult] = {}
    for mutation, opinion in zip(mutations, opinions, strict=True):
        result = results.setdefault(mutation.rule, RuleResult(mutation.rule))
        result.n += 1
        if opinion.rules is None:
            result.errors += 1
        elif mutation.case.hard is False:
            result.missed += opinion.rules
        else:
            result.refused += not opinion.rules
    return list(results.values())
