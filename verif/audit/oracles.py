"""Oracles for the watch: who says what a response is really worth, apart from the verifier that rewarded it.

In the local world the truth is known. Elsewhere the judge is asked again in another way: once per constraint,
where training asks once for all of them. A judge that already answers per constraint has no second opinion
of its own, and an audit with another judge (`verif rescore`) must do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from verif.audit.cases import every, passed
from verif.audit.looks import Oracle
from verif.audit.said import said
from verif.audit.watch import Answer
from verif.data.rollouts import Rollout
from verif.recipe import Recipe
from verif.types import Constraint, Item, Reasoning, is_hard

PATIENCE_S = 60.0
"""How long an oracle may keep the run's supervisor waiting."""


def oracle_of(recipe: Recipe, url: str | None) -> Oracle | None:
    """The oracle that a recipe allows: the world's truth, calls per constraint to the service at `url`, or none."""
    formula, reasoning = recipe.verifier.formula, recipe.verifier.reasoning
    if recipe.knows_truth:
        return lambda rollouts: [world_truth(rollout, formula, reasoning) for rollout in rollouts]
    if url and recipe.has_oracle:
        return lambda rollouts: asyncio.run(per_constraint(url, rollouts, formula))
    return None


def answer_to_alarm(recipe: Recipe) -> Answer:
    """What follows an alarm: the recipe's word, or a repair where an oracle looks."""
    return recipe.train.watch.on_alarm or ("repair" if recipe.watched else "warn")


def world_truth(rollout: Rollout, formula: str, reasoning: Reasoning = "auto") -> bool:
    """The world's truth about what the formula claims (all constraints, or only the hard or soft ones)."""
    from verif.data.truths import truths

    kept = truths(rollout.instruction, said(rollout.response.text, reasoning))
    constraints = rollout.instruction.constraints
    return all(ok for ok, constraint in zip(kept, constraints, strict=True) if claimed(constraint, formula))


def claimed(constraint: Constraint, formula: str) -> bool:
    """Whether the formula's reward says anything about this constraint."""
    wanted = {"hard-only": True, "soft-only": False}.get(formula)
    return wanted is None or is_hard(constraint) is wanted


async def per_constraint(
    url: str, rollouts: Sequence[Rollout], formula: str = "average"
) -> list[bool | None]:
    """Each constraint that the formula is about asked on its own; None where one has no answer and none failed."""
    from verif.service.client import VerifierClient

    items = [
        Item(
            id=f"{number}/{index}",
            instruction=rollout.instruction.model_copy(update={"constraints": (constraint,)}),
            response=rollout.response,
        )
        for number, rollout in enumerate(rollouts)
        for index, constraint in enumerate(rollout.instruction.constraints)
        if claimed(constraint, formula)
    ]
    said: dict[int, list[bool | None]] = {number: [] for number in range(len(rollouts))}
    async with VerifierClient(url, patience_s=PATIENCE_S, aside=True) as client:
        async for answer in client.verify(items, complete=True):
            said[int(answer.id.partition("/")[0])].append(passed(answer.statuses(1)[0]))
    return [every(said[number]) for number in range(len(rollouts))]
