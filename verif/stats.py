"""Intervals and tests. Every number verif reports comes with one."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its 95% interval and the number of units behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def proportion(successes: int, n: int) -> Interval:
    """A share with its Wilson 95% interval; n = 0 gives [0, 1]."""
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0, 0)
    ci = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return Interval(successes / n, float(ci.low), float(ci.high), n)
