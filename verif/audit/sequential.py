"""Has a verifier begun to accept what is false? A sequential test that may be read after every look.

At each look an oracle says of some accepted rollouts whether they are false. Claim to be refuted: of a prompt's accepted
rollouts, the expected share of false ones, given all that came before, is at most `allowed`. A bet against it
multiplies its stake by `1 + b (share - allowed)` for each prompt; under the claim no stake grows on average
(Waudby-Smith and Ramdas, arXiv 2010.09686). A prompt is one observation, however alike its rollouts are.

Nobody knows when a divergence begins, so the stake is shared out over all planned looks: each look's part is bet from there
on (e-detectors: Shin, Ramdas and Rinaldo, arXiv 2203.03532). What all parts hold together starts at 1 and never grows on
average under the claim, so by Ville's inequality it ever reaches `1 / false_alarms` with a probability of at most
`false_alarms`: for the whole run, and not for each look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BETS = (0.1, 0.2, 0.4, 0.8)
"""Bets `b`, as parts of the largest that cannot lose everything (`1 / allowed`); the stake is shared equally."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the looks say so far: the logarithm of the stake, and the look (an index) at which the rise most likely began.

    `began` is the earliest start that a bet takes for its best; before anything was won it is the last look.
    """

    log_stake: float
    began: int

    def refutes(self, false_alarms: float) -> bool:
        """Whether the claim is refuted at this false-alarm rate."""
        return self.log_stake >= -math.log(false_alarms)


def weigh(looks: Sequence[Sequence[float]], allowed: float, planned: int) -> Evidence:
    """The evidence after these looks: of each, one share of false (0 to 1) per prompt that had accepted rollouts.

    `allowed` lies above 0 and below 1; `planned` is how many looks the run may have.
    """
    planned = max(planned, len(looks), 1)
    part = -math.log(planned)
    stakes = [-math.inf] * len(BETS)
    best, began = [0.0] * len(BETS), [max(0, len(looks) - 1)] * len(BETS)
    for number, shares in enumerate(looks):
        for index, bet in enumerate(BETS):
            won = sum(math.log1p(bet / allowed * (share - allowed)) for share in shares)
            stakes[index] = _log_sum((stakes[index], part)) + won
            if best[index] <= 0:
                best[index], began[index] = 0.0, number
            best[index] += won
    unbet = (planned - len(looks)) / planned
    total = _log_sum([stake - math.log(len(BETS)) for stake in stakes] + ([math.log(unbet)] if unbet else []))
    starts = [start for start, won in zip(began, best, strict=True) if won > 0]
    return Evidence(total, min(starts, default=max(0, len(looks) - 1)))


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top if top == -math.inf else top + math.log(sum(math.exp(value - top) for value in values))
