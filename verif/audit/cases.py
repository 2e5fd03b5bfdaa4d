"""Responses with known truth, and what a verifier says about them.

Hard and soft constraints are asked apart: an instruction with only its soft constraints is always judged,
whatever the recipe's formula would have skipped, so that no short-circuit hides a judge that would have been
fooled. The reward is then formed from both with the recipe's own formula (`verif.reward`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from verif.data.splits import GoldenItem
from verif.errors import ServiceError
from verif.reward import Formula, reward
from verif.types import Constraint, Instruction, Item, Response, Status, Verdict, Verification, is_hard


class Verifies(Protocol):
    """What `verif.verifier.Verifier` and `verif.service.client.VerifierClient` have in common."""

    def verify(self, items: Sequence[Item], *, cache: bool = True) -> AsyncIterator[Verification]:
        """Verifications as they are finished, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
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


def from_golden(items: Sequence[GoldenItem]) -> list[Case]:
    """Golden rows as cases, with ids of their own: an instruction may stand there with several responses."""
    return [Case(f"golden-{n}", g.instruction, g.response, tuple(g.truth)) for n, g in enumerate(items)]


async def ask(
    verifier: Verifies,
    cases: Sequence[Case],
    formula: Formula,
    *,
    soft: bool = True,
    hard: bool = True,
    cache: bool = True,
) -> list[Opinion]:
    """One opinion per case, in their order. `soft=False` asks no judge; `hard=False` only the judge.

    Raises `ServiceError` if the verifier leaves a question without an answer.
    """
    kinds = [("hard", True)] * (hard and formula != "soft-only")
    kinds += [("soft", False)] * (soft and formula != "hard-only")
    items: dict[str, Item] = {}
    for number, case in enumerate(cases):
        for name, is_hard_kind in kinds:
            chosen = positions(case.instruction, hard=is_hard_kind)
            if chosen:
                only = case.instruction.model_copy(
                    update={"constraints": tuple(case.instruction.constraints[i] for i in chosen)}
                )
                key = f"{number}/{name}"
                items[key] = Item(id=key, instruction=only, response=Response(text=case.text))
    answers: dict[str, Verification] = {}
    if items:
        async for verification in verifier.verify(list(items.values()), cache=cache):
            answers[verification.id] = verification
    missing = items.keys() - answers.keys()
    if missing:
        raise ServiceError(
            f"the verifier left {len(missing)} of {len(items)} questions without an answer.", "See its log."
        )
    return [_opinion(case, number, answers, formula) for number, case in enumerate(cases)]


def _opinion(case: Case, number: int, answers: dict[str, Verification], formula: Formula) -> Opinion:
    verdicts: list[Verdict] = []
    decided: dict[bool, bool | None] = {}
    for is_hard_kind, name in ((True, "hard"), (False, "soft")):
        chosen = positions(case.instruction, hard=is_hard_kind)
        answer = answers.get(f"{number}/{name}")
        if answer is None:
            decided[is_hard_kind] = None
            continue
        decided[is_hard_kind] = every(passed(s) for s in answer.statuses(len(chosen)))
        verdicts += [
            v.model_copy(update={"covers": tuple(chosen[i] for i in v.covers)}) for v in answer.verdicts
        ]
    whole: Sequence[Constraint] = case.instruction.constraints
    value = reward(whole, verdicts, formula).value
    return Opinion(tuple(verdicts), decided[True], decided[False], value)


def passed(status: Status) -> bool | None:
    """A status as a decision; an error or a skipped check decides nothing."""
    if status is Status.PASS:
        return True
    return False if status in (Status.FAIL, Status.UNSCORABLE) else None
