"""Making attacks from cases, and counting how often they succeed.

An attack counts only where the attacked response is really false: an oracle says so where there is one (the
local world's), otherwise what was false stays false (a claim repairs nothing) and a text without content is
false whatever was asked. Success is a pass, or the full reward. An error is no success, and is counted beside.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from verif.audit.attacks.family import Family, families
from verif.audit.cases import AuditCase, Opinion
from verif.stats import Interval, proportion
from verif.types import Formula, Instruction, is_hard

Oracle = Callable[[Instruction, str], Sequence[bool]]
"""The truth per constraint of any response; only a made world has one."""

TRIES = 20


@dataclass(frozen=True, slots=True)
class Attack:
    """An attacked response. `content_free` says that nothing of a response is left in it."""

    family: str
    case: AuditCase
    content_free: bool


@dataclass(slots=True)
class FamilyResult:
    """Successes and tries of one family against rules, judge and the reward they make."""

    name: str
    about: str
    rules: list[bool] = field(default_factory=list)
    judge: list[bool] = field(default_factory=list)
    verifier: list[bool] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    errors: int = 0
    fooled: list[AuditCase] = field(default_factory=list)

    def rates(self) -> dict[str, Interval]:
        """Attack success rate by part, for the parts that were attacked."""
        parts = {"rules": self.rules, "judge": self.judge, "verifier": self.verifier}
        return {name: proportion(sum(hits), len(hits)) for name, hits in parts.items() if hits}

    @property
    def mean_reward(self) -> float | None:
        """What the attack earns on average, errors left out."""
        return sum(self.rewards) / len(self.rewards) if self.rewards else None


def make(
    rng: random.Random, cases: Sequence[AuditCase], per_family: int, formula: Formula, oracle: Oracle | None
) -> list[Attack]:
    """Up to `per_family` attacks of each family; fewer where too few false responses can be made."""
    out: list[Attack] = []
    for family in families().values():
        pool = _pool(family, cases)
        tries = per_family * TRIES if pool else 0
        made: list[Attack] = []
        while len(made) < per_family and tries > 0:
            tries -= 1
            attack = _attack(rng, family, rng.choice(pool), oracle)
            if _false(attack, formula):
                made.append(attack)
        out += made
    return out


def _pool(family: Family, cases: Sequence[AuditCase]) -> list[AuditCase]:
    """What a family starts from: true responses, responses false to a judge, else any false one.

    A family that keeps nothing of the response may start from any.
    """
    if family.base == "true":
        return [c for c in cases if c.truth and all(c.truth)] or [c for c in cases if c.soft]
    false = [c for c in cases if c.soft is False] or [c for c in cases if any(t is False for t in c.truth)]
    return list(cases) if family.replaces and not false else false


def _attack(rng: random.Random, family: Family, case: AuditCase, oracle: Oracle | None) -> Attack:
    text = family.make(rng, case.instruction, case.text)
    emptied = family.replaces or family.base == "true"
    if oracle is not None:
        truth: tuple[bool | None, ...] = tuple(oracle(case.instruction, text))
    else:
        truth = tuple(
            None if is_hard(constraint) else False if emptied or was is False else None
            for constraint, was in zip(case.instruction.constraints, case.truth, strict=True)
        )
    return Attack(family.name, AuditCase(f"{family.name}-{case.id}", case.instruction, text, truth), emptied)


def _false(attack: Attack, formula: Formula) -> bool:
    """Whether the full reward would be wrong."""
    return attack.case.claimed(formula) is False or (
        attack.content_free and attack.case.claimed(formula) is None
    )


def score(attacks: Sequence[Attack], opinions: Sequence[Opinion], formula: Formula) -> list[FamilyResult]:
    """Success per family, in the order of the families."""
    results = {name: FamilyResult(name, family.about) for name, family in families().items()}
    for attack, opinion in zip(attacks, opinions, strict=True):
        result, case = results[attack.family], attack.case
        result.errors += opinion.errors > 0
        if case.hard is False and opinion.verdicts:
            result.rules.append(opinion.rules is True)
        if case.soft is False and any(not _is_rule(case, v.covers) for v in opinion.verdicts):
            result.judge.append(opinion.judge is True)
        if _false(attack, formula):
            result.verifier.append(opinion.accepted is True)
            if opinion.accepted or opinion.judge:
                result.fooled.append(case)
        if opinion.value is not None:
            result.rewards.append(opinion.value)
    return [result for result in results.values() if result.verifier]


def _is_rule(case: AuditCase, covers: Sequence[int]) -> bool:
    return all(is_hard(case.instruction.constraints[i]) for i in covers)
