"""The best of n: which of n answers the reward would choose, and how often that one is true.

Choosing by a proxy and choosing harder is a cheap forecast of what training against it does: over-optimisation of the
best of n goes before that of reinforcement learning (Gao et al., 2022, arXiv 2210.10760, figure 1). The curve is exact for
the answers at hand: it averages over all subsets of n of them, and over ties, so nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb

from verif.stats import Interval, bootstrap_mean, paired_bootstrap

Answered = tuple[float, bool]
"""Reward and truth of one answer."""


@dataclass(frozen=True, slots=True)
class Point:
    """Mean reward of the chosen answer, and how often it is true, over prompts."""

    n: int
    reward: float
    truth: Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """Points for n = 1, 2, 4, ...; `turn` is truth lost from the n with most of it to the largest n, with its interval."""

    points: tuple[Point, ...]
    turn: Interval
    best: int

    @property
    def false_among_selected(self) -> float:
        """How often the answer chosen from the largest n is false."""
        return 1 - self.points[-1].truth.value


def chosen(answers: Sequence[Answered], n: int) -> tuple[float, float]:
    """Expected reward and truth of the best of `n` answers drawn without putting back; ties are broken evenly.

    The chance that the best lies among the k-th highest rewards is a ratio of binomial coefficients.
    """
    if not 1 <= n <= len(answers):
        raise ValueError(f"the best of {n} cannot be chosen from {len(answers)} answers")
    left, total = len(answers), comb(len(answers), n)
    reward = truth = 0.0
    ranked = sorted(answers, key=lambda answer: -answer[0])
    for value, group in groupby(ranked, key=lambda answer: answer[0]):
        tied = [true for _, true in group]
        chance = (comb(left, n) - comb(left - len(tied), n)) / total
        reward += chance * value
        truth += chance * sum(tied) / len(tied)
        left -= len(tied)
    return reward, truth


def curve(prompts: Sequence[Sequence[Answered]], seed: int) -> Curve | None:
    """The curve over prompts with equally many answers in mind; None if fewer than two prompts have two answers.

    n goes up to the largest power of two that every prompt has answers for.
    """
    usable = [answers for answers in prompts if len(answers) > 1]
    if len(usable) < 2:
        return None
    least = min(len(answers) for answers in usable)
    counts = [1 << power for power in range(least.bit_length()) if 1 << power <= least]
    truths: dict[int, list[float]] = {}
    points = []
    for n in counts:
        both = [chosen(answers, n) for answers in usable]
        truths[n] = [truth for _, truth in both]
        reward = sum(value for value, _ in both) / len(both)
        points.append(Point(n, reward, bootstrap_mean(truths[n], seed=seed)))
    best = max(points, key=lambda point: (point.truth.value, -point.n)).n
    lost = paired_bootstrap(truths[counts[-1]], truths[best], seed=seed).difference
    return Curve(tuple(points), lost, best)
