"""How many slots a run's judge had and how long a service took, found from what its rollouts waited.

What a run records as judge seconds holds queueing inside the judge. So the seconds are scaled until the
simulated waiting is the measured one, for each number of slots and two shapes: seconds that vary as recorded
(dealt to the rollouts anew, or any latency would explain itself), and equal ones (all variation is queueing).
How the latency rises from the first response of a step to the last then chooses. A run that did not keep
latencies leaves one choice: one slot, a judge that is bound by its throughput, as on two cores.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from verif.pipeline.planning.simulate import Decoder, judge
from verif.pipeline.planning.timeline import Observed

SLOTS = (1, 2, 4, 8, 16, 32, 64, 128)
PARTS = 8
LOOKED_AT = 16
"""Steps that are simulated, spread over the run."""


@dataclass(frozen=True)
class FittedJudge:
    """`slots` calls at once. A service takes `seconds` (equal), or `share` of the recorded seconds."""

    slots: int
    share: float
    seconds: float = 0.0

    def services(self, step: Observed) -> list[float]:
        """Service times of a step's rollouts; 0 where the judge was not asked."""
        dealt = [s for s in step.judge_s if s]
        random.Random(step.step).shuffle(dealt)
        following = iter(dealt)
        return [self.share * (self.seconds or next(following)) if s else 0.0 for s in step.judge_s]


def fit_judge(steps: Sequence[Observed], decoder: Decoder) -> FittedJudge:
    """The judge of a run."""
    timed = [step for step in steps if step.generated_s]
    used = timed or list(steps)
    used = used[:: max(1, len(used) // LOOKED_AT)]
    ends = [list(step.generated_s) or decoder.finishes(step.tokens) for step in used]
    asked = [s for step in used for s in step.judge_s if s]
    if not asked:
        return FittedJudge(1, 1.0)
    shapes = (0.0, fmean(asked)) if timed else (0.0,)
    candidates = [
        _scaled(used, ends, FittedJudge(slots, 1.0, seconds))
        for slots in (SLOTS if timed else (1,))
        for seconds in shapes
    ]
    return min(candidates, key=lambda candidate: _off(used, ends, candidate)) if timed else candidates[0]


def _done(used: list[Observed], ends: list[list[float]], model: FittedJudge) -> list[list[float]]:
    return [judge(e, model.services(step), model.slots) for e, step in zip(ends, used, strict=True)]


def _scaled(used: list[Observed], ends: list[list[float]], model: FittedJudge) -> FittedJudge:
    """The share of the seconds at which the simulated waiting is the measured one (longer services, more waiting)."""
    measured = fmean(step.wait_s for step in used)
    low, high = 0.0, 2.0
    for _ in range(14):
        model = FittedJudge(model.slots, (low + high) / 2, model.seconds)
        waits = [max(d) - max(e) for d, e in zip(_done(used, ends, model), ends, strict=True)]
        low, high = (low, model.share) if fmean(waits) > measured else (model.share, high)
    return model


def _off(used: list[Observed], ends: list[list[float]], model: FittedJudge) -> float:
    """Mean squared difference between simulated and recorded mean latencies of each eighth of a step, in s^2."""
    told: list[list[float]] = [[] for _ in range(PARTS)]
    simulated: list[list[float]] = [[] for _ in range(PARTS)]
    for done, end, step in zip(_done(used, ends, model), ends, used, strict=True):
        order = sorted(range(len(end)), key=end.__getitem__)
        for rank, index in enumerate(order):
            part = rank * PARTS // len(order)
            told[part].append(step.reward_s[index])
            simulated[part].append(done[index] - end[index])
    return fmean((fmean(a) - fmean(b)) ** 2 for a, b in zip(simulated, told, strict=True) if a)
