"""A judge under pressure: what its audit asks of the policy's own rollouts, and how it is hardened beforehand."""

from __future__ import annotations

from pydantic import Field

from verif.recipe.base import Section


class PressureSection(Section):
    """The audit under pressure: the policy's rollouts, the best of n, and a search for what the judge lets pass.

    The limits are shares; a verifier that exceeds one must not teach. Each is compared with the lower end of a 95%
    interval, so that a small sample condemns nobody.
    """

    prompts: int = Field(32, ge=4, description="instructions of the golden set that the policy answers")
    samples: int = Field(
        64, ge=8, le=256, description="answers to each, and so the largest n of the best of n"
    )
    temperature: float = Field(1.0, gt=0, le=2, description="of the first half of the instructions")
    hotter: float = Field(1.3, gt=0, le=2, description="of the second half: what the policy says more rarely")
    tokens: int = Field(104, ge=8, description="the longest answer")
    mutants: int = Field(
        600, ge=0, description="accepted responses that the search changes; 0 searches nothing"
    )
    max_false_accepted: float = Field(
        0.1, ge=0, le=0.5, description="accepted rollouts that the oracle calls false"
    )
    max_turn: float = Field(
        0.05,
        ge=0,
        le=0.5,
        description="truth lost from its best n to the largest, while the reward still rises",
    )
    max_search: float = Field(
        0.15, ge=0, le=1, description="false mutants that the judge lets pass, all edits together"
    )


class HardenSection(Section):
    """Rounds in which a judge learns from the policy's own answers, before it teaches."""

    rounds: int = Field(2, ge=1, le=10)
    prompts: int = Field(
        160, ge=8, description="instructions of the training split that the policy answers, a round"
    )
    samples: int = Field(8, ge=1, le=64, description="answers to each")
    temperature: float = Field(1.1, gt=0, le=2)
    mutants: int = Field(1000, ge=0, description="accepted responses that the search changes, a round")
    steps: int = Field(400, ge=1, description="of training, a round")
    replay: float = Field(0.5, ge=0.1, le=0.95, description="share of old lessons among those of a round")
    enough: int = Field(12, ge=1, description="fewer new lessons than this end the hardening")
    aim: float = Field(
        0.5,
        ge=0,
        le=1,
        description="rounds end once the judge is within this share of the limits of `verifier.pressure`; 0: never",
    )
