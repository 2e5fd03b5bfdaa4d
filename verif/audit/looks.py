"""One training step in numbers, and what an oracle's look at it says. Pure functions over rollouts."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from verif.audit.attacks.signature import signs
from verif.data.rollouts import Rollout

Oracle = Callable[[Sequence[Rollout]], Sequence[bool | None]]
"""Whether each response really follows; None where the oracle cannot say. See `verif.audit.oracles`."""


@dataclass(frozen=True, slots=True)
class StepSummary:
    """A step in numbers. Shares are of all rollouts; lengths are words.

    `accepted`: share of the scored rollouts with the full reward; `checked`: those of them that the oracle judged again;
    `contradicted`: those it calls false; `refused`, of `rejected`: rollouts without the full reward that it calls true.
    `false_shares`: the contradicted share of the checked ones, one number per prompt.
    """

    step: int
    rollouts: int
    reward_mean: float | None
    error_share: float
    unscorable_share: float
    signature_share: float
    length_mean: float
    entropy: float | None = None
    accepted: float | None = None
    checked: int = 0
    contradicted: int = 0
    rejected: int = 0
    refused: int = 0
    false_shares: tuple[float, ...] = ()
    signs: dict[str, int] = field(default_factory=dict)

    @property
    def truth(self) -> float | None:
        """The share of this step's scored rollouts that are true, as far as the look tells; None without one.

        The sample holds more of the accepted rollouts than the step does, so each part counts by its share of the step.
        """
        if self.accepted is None or not self.checked + self.rejected:
            return None
        kept = 1 - self.contradicted / self.checked if self.checked else 0.0
        lost = self.refused / self.rejected if self.rejected else 0.0
        return self.accepted * kept + (1 - self.accepted) * lost


def summarise(
    step: int,
    rollouts: Sequence[Rollout],
    entropy: float | None = None,
    judged: Iterable[tuple[Rollout, bool]] = (),
) -> StepSummary:
    """One step in numbers; `judged` are sampled rollouts with the oracle's decisions."""
    n = max(1, len(rollouts))
    rewards = [r.reward for r in rollouts if r.reward is not None]
    states = Counter("error" if r.verification is None else r.verification.reward.state for r in rollouts)
    marks = [signs(r.response.text, r.instruction.prompt) for r in rollouts]
    by_prompt: dict[str, list[bool]] = defaultdict(list)
    rejected: list[bool] = []
    for rollout, true in judged:
        if rollout.reward is not None:
            (by_prompt[rollout.uid] if rollout.reward >= 1.0 else rejected).append(true)
    return StepSummary(
        step=step,
        rollouts=len(rollouts),
        reward_mean=fmean(rewards) if rewards else None,
        error_share=states["error"] / n,
        unscorable_share=states["unscorable"] / n,
        signature_share=sum(map(bool, marks)) / n,
        length_mean=fmean(len(r.response.text.split()) for r in rollouts) if rollouts else 0.0,
        entropy=entropy,
        accepted=sum(reward >= 1.0 for reward in rewards) / len(rewards) if rewards else None,
        checked=sum(map(len, by_prompt.values())),
        contradicted=sum(not true for prompt in by_prompt.values() for true in prompt),
        rejected=len(rejected),
        refused=sum(rejected),
        false_shares=tuple(1 - sum(prompt) / len(prompt) for prompt in by_prompt.values()),
        signs=dict(sorted(Counter(name for names in marks for name in names).items())),
    )


def sample(rollouts: Sequence[Rollout], size: int, seed: int, step: int) -> list[Rollout]:
    """A seeded sample of the scored rollouts; half of it, where possible, from those with the full reward."""
    scored = [r for r in rollouts if r.reward is not None]
    rng = random.Random(f"{seed}-{step}")
    accepted = [r for r in scored if r.reward is not None and r.reward >= 1.0]
    others = [r for r in scored if r.reward is not None and r.reward < 1.0]
    half = max(size // 2, size - len(others))
    chosen = rng.sample(accepted, min(len(accepted), half))
    return chosen + rng.sample(others, min(len(others), size - len(chosen)))
