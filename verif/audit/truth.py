"""How many of a step's rollouts really follow, estimated from the oracle's sample.

The sample takes more of the accepted rollouts than there are, so each half is weighed by its share of the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FULL = 1.0
"""A rollout with this reward is accepted: the verifier calls it true."""


def accepted_share(rewards: Sequence[float | None]) -> float | None:
    """Of the scored rollouts, those with the full reward; None where none was scored."""
    scored = [reward for reward in rewards if reward is not None]
    return sum(reward >= FULL for reward in scored) / len(scored) if scored else None


def truth_share(look: Mapping[str, int], accepted: float | None) -> float | None:
    """Share of true rollouts of a step, from its accepted share and the watch's counts of it.

    `look` has `checked` accepted rollouts, `contradicted` of them false, and `rejected` ones, `refused` of them true.
    None where the oracle saw nothing of a half that the step has.
    """
    if accepted is None or (accepted > 0 and not look["checked"]) or (accepted < 1 and not look["rejected"]):
        return None
    true = accepted * (1 - look["contradicted"] / look["checked"]) if look["checked"] else 0.0
    missed = (1 - accepted) * look["refused"] / look["rejected"] if look["rejected"] else 0.0
    return true + missed
