"""Whether a verification that a service sent may be believed: it must be what it says it is.

The verdicts are the service's; the reward is arithmetic, so it is computed again here. A service that lies about its
arithmetic, about what it covers, or in numbers that are none, breaks the protocol: that is an error, never a reward.
"""

from __future__ import annotations

import math
from typing import Any

from verif.core.reward import is_formula, reward
from verif.errors import ServiceError
from verif.types import Constraint, Item, Verification

MAX_COST_S = 1e9


class Believer:
    """Checks the verifications of one service; all must have one formula, and one reward for the unscorable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._formula = ""
        self._unscorable: float | None = None

    def check(self, answer: Verification, item: Item) -> None:
        """`ServiceError` that names the item and what is wrong with its verification."""
        problem = self._problem(answer, item.instruction.constraints)
        if problem:
            raise ServiceError(
                f"the verifier at {self.url} broke its protocol: item {item.id[:80]!r}: {problem}.",
                "Its rewards are not used.",
            )

    def _problem(self, answer: Verification, constraints: tuple[Constraint, ...]) -> str:
        given = answer.reward
        if not is_formula(given.formula):
            return f"{given.formula[:40]!r} is no formula"
        if given.formula != (self._formula or given.formula):
            return f"a reward by {given.formula!r} among rewards by {self._formula!r}"
        if not _numbers(answer):
            return "it holds a number that is none (NaN or infinity)"
        if wrong := _covers(answer, constraints):
            return wrong
        unscorable = 0.0
        if given.state == "unscorable":
            if given.value is None or not -MAX_COST_S <= given.value <= MAX_COST_S:
                return "an unscorable response without a reward"
            if given.value != (given.value if self._unscorable is None else self._unscorable):
                return f"the unscorable get {given.value} here and {self._unscorable} elsewhere"
            unscorable = given.value
        due = reward(constraints, answer.verdicts, given.formula, unscorable)
        if (due.value, due.state, due.terms) != (given.value, given.state, given.terms):
            return (
                f"a reward of {given.value} ({given.state}) where its verdicts make {due.value} ({due.state})"
            )
        self._formula = given.formula
        if given.state == "unscorable":
            self._unscorable = given.value
        return ""


def _covers(answer: Verification, constraints: tuple[Constraint, ...]) -> str:
    """What is wrong with the constraints that its verdicts speak of."""
    seen: set[int] = set()
    for verdict in answer.verdicts:
        if not verdict.covers:
            return "a verdict on nothing"
        for index in verdict.covers:
            if not 0 <= index < len(constraints):
                return f"a verdict on constraint {index}, of {len(constraints)}"
            # nothing decides references yet: that is said beside what else is said of them
            if index in seen and constraints[index].kind != "reference":
                return f"two verdicts on constraint {index}"
            seen.add(index)
    return ""


def _numbers(answer: Verification) -> bool:
    """Whether all its numbers are numbers. Every verification of a training passes here, so only floats are looked at."""
    value = answer.reward.value or 0.0
    floats = (value, *answer.reward.terms.values(), *(verdict.cost.seconds for verdict in answer.verdicts))
    return all(map(math.isfinite, floats)) and all(_finite(v.evidence) for v in answer.verdicts if v.evidence)


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return all(map(_finite, value)) if isinstance(value, list | tuple) else True
