"""DPO as a weight on each token, so that a trainer of policy gradients makes exactly DPO's first update.

With m = beta * ((chosen - its reference) - (rejected - its reference)) over sums of log-probabilities, DPO's loss is
-log sigmoid(m), averaged over pairs (arXiv 2305.18290, eq. 7). Its gradient is -beta * sigmoid(-m) times the difference of
the two sums' gradients. A policy-gradient loss -sum(weight * ratio) / tokens has that gradient at ratio 1 if the chosen
response's tokens weigh +w and the rejected one's -w, with w = beta * sigmoid(-m) * tokens / pairs. It holds for one
update: after it the ratio is not 1 and m is not the present one, which is why nobody here makes a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TIE = 1e-6
"""Nats: a margin right after a sync is rounding, and half of such pairs count as ordered rightly."""


@dataclass(frozen=True)
class Sums:
    """Log-probability of a whole response in nats: under the present policy and under the reference."""

    policy: float
    reference: float

    @property
    def gain(self) -> float:
        """How much likelier the policy finds the response than the reference does, in nats."""
        return self.policy - self.reference


@dataclass(frozen=True)
class Preferences:
    """An update's pairs: `margins` in nats (times beta), `weights` of a token of the chosen response."""

    margins: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def loss(self) -> float:
        """DPO's loss, the mean over pairs."""
        return sum(_softplus(-margin) for margin in self.margins) / len(self.margins)

    @property
    def margin(self) -> float:
        """The mean margin."""
        return sum(self.margins) / len(self.margins)

    @property
    def accuracy(self) -> float:
        """Share of pairs in the right order; a tie is half."""
        right = sum(margin > TIE for margin in self.margins) + 0.5 * sum(abs(m) <= TIE for m in self.margins)
        return right / len(self.margins)


def prefer(chosen: Sequence[Sums], rejected: Sequence[Sums], beta: float, tokens: int) -> Preferences:
    """Margins and weights of an update's pairs; `tokens` is what the trainer divides its loss by.

    Example: one pair without a margin, beta 0.1 and 10 tokens: the weight is 0.1 * 0.5 * 10 / 1 = 0.5.
    """
    margins = tuple(beta * (good.gain - bad.gain) for good, bad in zip(chosen, rejected, strict=True))
    weights = tuple(beta * _sigmoid(-margin) * tokens / len(margins) for margin in margins)
    return Preferences(margins, weights)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
