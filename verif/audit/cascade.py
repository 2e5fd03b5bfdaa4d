"""A cascade's band, measured before the audit: where the small judge may decide alone (`verif.audit.band`).

The golden responses are put to both judges, which is what a cascade does whose band is everything. The band is
then part of the verifier's identity; the audit proper asks the cascade with its band, as training will.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from verif.audit.band import EVERYTHING, CascadeSample, ChosenBand, choose
from verif.audit.cases import AuditCase, Opinion, ask
from verif.core.verifies import Verifies
from verif.recipe import Recipe
from verif.types import Status


async def measure(verifier: Verifies, cases: Sequence[AuditCase], recipe: Recipe) -> ChosenBand:
    """The band for the recipe's agreement, from a cascade that always asks both judges."""
    assert recipe.verifier.cascade is not None
    section = recipe.verifier
    opinions = await ask(
        verifier, cases, section.formula, hard=False, cache=False, reasoning=section.reasoning
    )
    return rounded(choose(scored(opinions), recipe.verifier.cascade.agreement))


def scored(opinions: Sequence[Opinion]) -> list[CascadeSample]:
    """The small judge's probability beside the large judge's decision, per question that both answered."""
    return [
        CascadeSample(float(verdict.evidence["small_p_pass"]), verdict.status is Status.PASS)
        for opinion in opinions
        for verdict in opinion.verdicts
        if verdict.status in (Status.PASS, Status.FAIL) and "small_p_pass" in verdict.evidence
    ]


def rounded(band: ChosenBand) -> ChosenBand:
    """A little wider, to two digits and around one half: the last bits of a probability change nothing then."""
    low, high = math.floor(band.low * 100) / 100, math.ceil(band.high * 100) / 100
    return ChosenBand(min(low, 0.5), max(high, 0.5), band.agreement, band.saved)


def measure_service(url: str, cases: Sequence[AuditCase], recipe: Recipe) -> ChosenBand:
    """`measure` against a running service."""
    from verif.service.client import VerifierClient

    async def asked() -> ChosenBand:
        async with VerifierClient(url) as client:
            return await measure(client, cases, recipe)

    return asyncio.run(asked())


def with_band(recipe: Recipe, low: float, high: float) -> Recipe:
    """The recipe with its cascade's band set."""
    assert recipe.verifier.cascade is not None
    cascade = recipe.verifier.cascade.model_copy(update={"low": low, "high": high})
    return recipe.model_copy(update={"verifier": recipe.verifier.model_copy(update={"cascade": cascade})})


def with_everything(recipe: Recipe) -> Recipe:
    """The recipe whose cascade always asks both judges."""
    return with_band(recipe, *EVERYTHING)
