"""Which checkpoint is the best, by what the oracle saw of the rollouts around it. Pure.

The rollouts of step `s` were written by the weights after step `s - 1`, or in a cycle of updates by those at its
beginning. A look is a sample of some prompts, and some prompts are hard: one step's truth differs from the next one's by
more than training adds in ten. So a checkpoint's score is the mean over the looks from weights at most `reach` steps away,
and of those checkpoints that chance alone could have put below the highest, the latest is taken: it has learnt most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from verif.audit.looks import StepSummary

REACH = 5
"""Weights so many steps away count for a checkpoint, or as many as lie between two looks."""
PERIOD, MIN_CHECKED = 5, 12


def looks_around(history: Sequence[StepSummary], step: int, every: int, cycle: int = 1) -> list[float]:
    """The oracle's truths (0 to 1) that speak for the weights after `step`; none without a look nearby.

    A cycle's looks are all at the weights of its beginning: those alone speak for that checkpoint. One without rollouts
    of its own, as the last, has the score of the weights that wrote the rollouts before it.
    """
    seen = [
        ((summary.step - 1) // cycle * cycle, summary.truth)
        for summary in history
        if summary.truth is not None
    ]
    if cycle == 1:
        reach = max(REACH, every)
        return [truth for weights, truth in seen if abs(weights - step) <= reach]
    before = max((weights for weights, _ in seen if step - cycle <= weights <= step), default=None)
    return [truth for weights, truth in seen if weights == before]


def scores(
    history: Sequence[StepSummary], checkpoints: Iterable[int], every: int, cycle: int = 1
) -> dict[int, float]:
    """The mean truth around each checkpoint; one without a look nearby has no score."""
    near = {step: looks_around(history, step, every, cycle) for step in checkpoints}
    return {step: fmean(truths) for step, truths in near.items() if truths}


def worst_false(history: Sequence[StepSummary], since: int, until: int) -> float | None:
    """The largest share of false among the accepted over `PERIOD` steps, of those after `since` and before `until`.

    One look at some prompts says little: the looks of so many steps are taken together, and fewer only where the verifier
    did not teach for so long (2 of the 12 accepted in a run's first step are no 17%). None without a look.
    """
    looks = [summary for summary in history if summary.checked and since < summary.step < until]
    shares = []
    for last in looks:
        near = [look for look in looks if last.step - PERIOD < look.step <= last.step]
        whole = last.step - since >= PERIOD or last is looks[-1]
        if whole and (len(near) > 1 or near[0].checked >= MIN_CHECKED):
            shares.append(sum(look.contradicted for look in near) / sum(look.checked for look in near))
    return max(shares, default=None)


def best(
    history: Sequence[StepSummary], checkpoints: Sequence[int], every: int, cycle: int = 1
) -> int | None:
    """The latest checkpoint within one standard error of the highest score that any weights of the run had.

    Where none of `checkpoints` comes so close, it is the one with the highest score; None if none has a score. That the
    weights need not have been kept matters: else each new checkpoint could lie a little below the one it replaces.
    """
    kept = scores(history, checkpoints, every, cycle)
    if not kept:
        return None
    ever = scores(
        history, {*kept, *((summary.step - 1) // cycle * cycle for summary in history)}, every, cycle
    )
    top = max(ever, key=lambda step: ever[step])
    truths = looks_around(history, top, every, cycle)
    error = stdev(truths) / len(truths) ** 0.5 if len(truths) > 1 else 0.0
    close = [step for step, score in kept.items() if score >= ever[top] - error]
    return max(close) if close else max(kept, key=lambda step: (kept[step], step))
