"""The threshold above which the model's word on an answer counts, chosen before the audit for a stated precision.

As a cascade's band: the model is asked about answers of known truth that the rules call unequal, and the threshold is the
lowest at which so many of those that it accepts are right. It is then part of the verifier's identity, and the audit
proper asks other answers with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from verif.audit.answers.asking import Compared, compare
from verif.audit.answers.measure import drawn
from verif.data.answers.threshold import threshold_for
from verif.recipe import Recipe

LOWEST = 0.5
"""A threshold below one half would call the same what the model calls different."""


def chosen(compared: Sequence[Compared], precision: float) -> float:
    """The threshold for a precision of what the model accepts, to three digits and a little higher."""
    scored = [(c.p_same, c.case.right) for c in compared if c.p_same is not None]
    return min(1.0, max(LOWEST, round(threshold_for(scored, precision) + 0.0005, 3)))


def choose_service(url: str, recipe: Recipe) -> float:
    """`chosen`, from a running service that asks its model."""
    from verif.service.client import VerifierClient

    assert recipe.verifier.reference is not None

    async def asked() -> list[Compared]:
        cases = drawn(f"{recipe.seed} threshold", 2 * recipe.verifier.audit_items)
        async with VerifierClient(url) as client:
            return await compare(client, cases, judged=False, reasoning=recipe.verifier.reasoning)

    return chosen(asyncio.run(asked()), recipe.verifier.reference.min_precision)


def with_threshold(recipe: Recipe, threshold: float) -> Recipe:
    """The recipe with its answers' threshold set."""
    assert recipe.verifier.reference is not None
    reference = recipe.verifier.reference.model_copy(update={"threshold": threshold})
    return recipe.model_copy(update={"verifier": recipe.verifier.model_copy(update={"reference": reference})})
