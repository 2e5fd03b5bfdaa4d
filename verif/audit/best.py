"""Which checkpoint is the best, by what the oracle saw of the rollouts around it. Pure.

The rollouts of step `s` were written by the weights after step `s - 1`, or in a cycle of updates by those at its
beginning. A look is a sample of some prompts and so is noisy; a checkpoint's score is the mean over the looks nearby, from
weights at most `reach` steps away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from verif.audit.looks import StepSummary

REACH = 2
"""Weights so many steps away count for a checkpoint, or as many as lie between two looks."""
PERIOD, MIN_CHECKED = 5, 12


def scores(
    history: Sequence[StepSummary], checkpoints: Iterable[int], every: int, cycle: int = 1
) -> dict[int, float]:
    """The oracle's truth (0 to 1) around each checkpoint; one without a look nearby has no score.

    A cycle's looks are all at the weights of its beginning: those alone speak for that checkpoint. One without rollouts
    of its own, as the last, has the score of the weights that wrote the rollouts before it.
    """
    reach = max(REACH, every)
    seen = [
        ((summary.step - 1) // cycle * cycle, summary.truth)
        for summary in history
        if summary.truth is not None
    ]
    out = {}
    for step in checkpoints:
        if cycle == 1:
            near = [truth for weights, truth in seen if abs(weights - step) <= reach]
        else:
            before = max((weights for weights, _ in seen if step - cycle <= weights <= step), default=None)
            near = [truth for weights, truth in seen if weights == before]
        if near:
            out[step] = fmean(near)
    return out


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
    """The checkpoint with the highest score, of equals the later one; None if none has a score."""
    by_truth = scores(history, checkpoints, every, cycle)
    return max(by_truth, key=lambda step: (by_truth[step], step), default=None)
