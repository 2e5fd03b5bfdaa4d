"""One item on its way through the verifier, and the verdicts that need no part to decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from verif.core.answer import Answer
from verif.types import Constraint, Item, Status, Verdict


@dataclass(slots=True)
class Plan:
    """One item on its way: its answer and the verdicts it has so far."""

    item: Item
    answer: Answer
    verdicts: list[Verdict] = field(default_factory=list)


def unscorable(index: int, reason: str, covers: tuple[int, ...] = ()) -> Verdict:
    """The verdict for a response that cannot be judged through the policy's own fault."""
    return Verdict(status=Status.UNSCORABLE, covers=covers or (index,), reason=reason)


def without(kind: str, constraints: Sequence[Constraint], reason: str) -> list[Verdict]:
    """Error verdicts for all constraints of a kind that nothing here can decide."""
    return [
        Verdict(status=Status.ERROR, covers=(index,), reason=reason)
        for index, constraint in enumerate(constraints)
        if constraint.kind == kind
    ]
