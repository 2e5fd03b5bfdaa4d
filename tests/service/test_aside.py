"""What a watch asks about a run is none of the run's rewards: it is counted apart."""

from __future__ import annotations

import pytest
from support.harness import Service, StandInJudge, item, judge, running  # noqa: F401

from verif.audit.oracles import per_constraint
from verif.data.rollouts import Rollout
from verif.service.client import VerifierClient
from verif.types import Response, Reward, Verification


async def counts(url: str) -> tuple[float, float]:
    async with VerifierClient(url) as client:
        found = await client.metrics()
    return (
        sum(value for name, value in found.items() if name.startswith("verif_verifications_total")),
        sum(value for name, value in found.items() if name.startswith("verif_aside_total")),
    )


@pytest.mark.slow
async def test_the_watchs_questions_are_not_among_the_runs_rewards(running: Service) -> None:  # noqa: F811
    before = await counts(running.url)
    async with VerifierClient(running.url) as client:
        rewards = [found async for found in client.verify([item(n, f"good {n}") for n in range(5)])]
    assert len(rewards) == 5
    scored = Reward(value=1.0, state="scored", formula="average")
    rollouts = [
        Rollout(
            1,
            str(n),
            item(n, "").instruction,
            Response(text=f"good {n}"),
            Verification(id=str(n), verdicts=(), reward=scored),
            0.0,
        )
        for n in range(3)
    ]
    assert await per_constraint(running.url, rollouts) == [True] * 3
    after = await counts(running.url)
    assert (after[0] - before[0], after[1] - before[1]) == (5, 6), "6: each constraint on its own"
