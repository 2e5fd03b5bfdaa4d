"""Responses with known truth, and what a verifier says about them.

Every constraint is asked (`complete`), also where its answer could not have changed the reward, so that no
short-circuit hides a judge that would have been fooled. The reward is formed here, from all verdicts, with the
recipe's own formula (`verif.core.reward`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verif.core.answer import as_sent
from verif.core.reward import reward
from verif.core.verifies import Verifies
from verif.data.splits import GoldenItem
from verif.errors import ServiceError
from verif.types import Formula, Instruction, Item, Reasoning, Status, Verdict, Verification, is_hard

Statuses = list[list[Status]]
"""One list per case: the status of each of its constraints."""


@dataclass(frozen=True, slots=True)
class AuditCase:
    """A response with its truth per constraint: True, False, or None (not known)."""

    id: str
    instruction: Instruction
    text: str
    truth: tuple[bool | None, ...]

    @property
    def hard(self) -> bool | None:
        """Whether all hard constraints are met; None if there are none or that is not known."""
        return every(self.truth[i] for i in positions(self.instruction, hard=True))

    @property
    def soft(self) -> bool | None:
        """Whether all soft constraints are met; None if there are none or that is not known."""
        return every(self.truth[i] for i in positions(self.instruction, hard=False))

    def claimed(self, formula: Formula) -> bool | None:
        """The truth of what the formula's reward claims: all constraints, or only the kind it looks at."""
        if formula == "hard-only":
            return self.hard
        return self.soft if formula == "soft-only" else every(self.truth)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a verifier says about a case; `verdicts` cover positions of the whole instruction.

    `rules`, `judge`: True (all passed), False (one failed or is unscorable), None (error, or nothing asked).
    `value`: the reward by the recipe's formula, None if it is an error.
    """

    verdicts: tuple[Verdict, ...]
    rules: bool | None
    judge: bool | None
    value: float | None

    @property
    def accepted(self) -> bool | None:
        """Whether the response got the full reward; None where the reward is an error."""
        return None if self.value is None else self.value >= 1.0

    @property
    def errors(self) -> int:
        """How many verdicts are errors."""
        return sum(verdict.status is Status.ERROR for verdict in self.verdicts)


def every(values: Iterable[bool | None]) -> bool | None:
    """Three-valued "all": False if one is False, else None if one is unknown or there are none."""
    known = list(values)
    if any(value is False for value in known):
        return False
    return None if not known or any(value is None for value in known) else True


def positions(instruction: Instruction, *, hard: bool) -> list[int]:
    """Positions of the hard, or of the other, constraints."""
    return [i for i, constraint in enumerate(instruction.constraints) if is_hard(constraint) is hard]


def from_golden(items: Sequence[GoldenItem]) -> list[AuditCase]:
    """Golden rows as cases, with ids of their own: an instruction may stand there with several responses."""
    return [AuditCase(f"golden-{n}", g.instruction, g.response, tuple(g.truth)) for n, g in enumerate(items)]


async def ask(
    verifier: Verifies,
    cases: Sequence[AuditCase],
    formula: Formula,
    *,
    soft: bool = True,
    hard: bool = True,
    cache: bool = True,
    reasoning: Reasoning = "auto",
) -> list[Opinion]:
    """One opinion per case, in their order. `soft=False` asks no judge; `hard=False` only the judge.

    `reasoning`: the verifier demands that format where it is a named one, so each response is sent in it. What the
    formula does not look at is not asked. Raises `ServiceError` if the verifier leaves a question without an
    answer.
    """
    wanted = {True: hard and formula != "soft-only", False: soft and formula != "hard-only"}
    chosen: dict[str, list[int]] = {}
    items = []
    for number, case in enumerate(cases):
        constraints = case.instruction.constraints
        indices = [i for i, constraint in enumerate(constraints) if wanted[is_hard(constraint)]]
        if indices:
            chosen[str(number)] = indices
            only = case.instruction.model_copy(update={"constraints": tuple(constraints[i] for i in indices)})
            items.append(Item(id=str(number), instruction=only, response=as_sent(case.text, reasoning)))
    answers: dict[str, Verification] = {}
    if items:
        async for verification in verifier.verify(items, cache=cache, complete=True):
            answers[verification.id] = verification
    missing = chosen.keys() - answers.keys()
    if missing:
        raise ServiceError(
            f"the verifier left {len(missing)} of {len(items)} questions without an answer.", "See its log."
        )
    return [
        _opinion(case, chosen.get(str(number), []), answers.get(str(number)), formula)
        for number, case in enumerate(cases)
    ]


def _opinion(case: AuditCase, chosen: list[int], answer: Verification | None, formula: Formula) -> Opinion:
    if answer is None:
        return Opinion((), None, None, None)
    verdicts = [v.model_copy(update={"covers": tuple(chosen[i] for i in v.covers)}) for v in answer.verdicts]
    decided: dict[bool, list[bool | None]] = {True: [], False: []}
    for index, status in zip(chosen, answer.statuses(len(chosen)), strict=True):
        decided[is_hard(case.instruction.constraints[index])].append(passed(status))
    value = reward(case.instruction.constraints, verdicts, formula).value
    return Opinion(tuple(verdicts), every(decided[True]), every(decided[False]), value)


def statuses(cases: Sequence[AuditCase], opinions: Sequence[Opinion]) -> Statuses:
    """The status of every constraint of every case."""
    out = []
    for case, opinion in zip(cases, opinions, strict=True):
        row = [Status.SKIPPED] * len(case.instruction.constraints)
        for verdict in opinion.verdicts:
            for index in verdict.covers:
                row[index] = verdict.status
        out.append(row)
    return out


def failures(opinions: Iterable[Opinion]) -> list[str]:
    """The reasons of all verdicts that are errors."""
    return [v.reason for opinion in opinions for v in opinion.verdicts if v.status is Status.ERROR]


def passed(status: Status) -> bool | None:
    """A status as a decision; an error or a skipped check decides nothing."""
    if status is Status.PASS:
        return True
    return False if status in (Status.FAIL, Status.UNSCORABLE) else None
