"""Which two rollouts of a prompt DPO learns from. Pure: scores in, positions out.

The paper takes one correct and one incorrect response at random where the truth is known, and the best against the
worst where a reward model gives a number (arXiv 2506.21495, sec. 3). A prompt whose rollouts are alike has no pair.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from verif.types import Verification

Choice = Literal["random", "best-worst"]
FULL = 1.0
"""The reward of a response that fulfils everything."""
SURE = 0.05
"""Two rollouts of equal reward differ only if the judge's probabilities do by more: the last digits are noise."""


@dataclass(frozen=True)
class Worth:
    """A rollout's reward, and how sure the judge was of a pass (None where it did not say)."""

    reward: float
    p_pass: float | None = None


@dataclass(frozen=True)
class PreferencePair:
    """Positions of the preferred and of the other rollout in their group."""

    chosen: int
    rejected: int


def scored(verification: Verification) -> Worth | None:
    """What a verification is worth in a pair; None for an error, which is in none.

    Where a judge gave several verdicts, or a small and a large one did, their mean probability counts.
    """
    if verification.reward.value is None:
        return None
    said = [
        float(probability)
        for verdict in verification.verdicts
        if (probability := verdict.evidence.get("p_pass", verdict.evidence.get("small_p_pass"))) is not None
    ]
    return Worth(verification.reward.value, sum(said) / len(said) if said else None)


def pick(group: Sequence[Worth | None], how: Choice, seed: object) -> PreferencePair | None:
    """The pair of a group, None without contrast; the same group and seed give the same pair.

    Example: `pick([Worth(0.0), None, Worth(1.0)], "random", 1)` is `PreferencePair(chosen=2, rejected=0)`.
    """
    rng = random.Random(str(seed))
    known = [(position, score) for position, score in enumerate(group) if score is not None]
    if how == "random":
        right = [position for position, score in known if score.reward >= FULL]
        wrong = [position for position, score in known if score.reward < FULL]
        return PreferencePair(rng.choice(right), rng.choice(wrong)) if right and wrong else None
    rng.shuffle(known)  # who wins among equals
    if len(known) < 2:
        return None
    best, worst = max(known, key=_worth), min(known, key=_worth)
    apart = best[1].reward > worst[1].reward or _worth(best)[1] - _worth(worst)[1] > SURE
    return PreferencePair(best[0], worst[0]) if apart else None


def _worth(rollout: tuple[int, Worth]) -> tuple[float, float]:
    score = rollout[1]
    return score.reward, 0.0 if score.p_pass is None else score.p_pass
