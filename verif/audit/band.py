"""The uncertainty band of a cascade, chosen for a stated agreement.

A small verifier scores each response with its probability of "pass". Below `low` it decides fail, above
`high` pass, and inside the band the large judge is asked. The band is the narrowest one outside of which the
small verifier agreed with the large judge at least as often as asked, on the first half of the cases; what
is reported comes from the other half, which had no say in the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.stats import Interval, proportion


@dataclass(frozen=True, slots=True)
class CascadeSample:
    """A response with the small verifier's probability of pass, and the large judge's decision."""

    score: float
    passed: bool


@dataclass(frozen=True, slots=True)
class ChosenBand:
    """Scores in [low, high] go to the large judge; `agreement` and `saved` were measured on held-back cases."""

    low: float
    high: float
    agreement: Interval
    saved: Interval

    def decide(self, score: float) -> bool | None:
        """The small verifier's decision, or None where the large judge must be asked."""
        if score < self.low:
            return False
        return True if score > self.high else None


EVERYTHING = (0.0, 1.0)
"""The band that asks the large judge about every response."""


def choose(cases: Sequence[CascadeSample], agreement: float) -> ChosenBand:
    """The band that saves most large calls at that agreement (0 to 1), on each side of it."""
    chosen, held_back = cases[::2], cases[1::2]
    low = _edge(sorted((c.score, not c.passed) for c in chosen), agreement, EVERYTHING[0])
    high = _edge(sorted(((c.score, c.passed) for c in chosen), reverse=True), agreement, EVERYTHING[1])
    low, high = (low, high) if low <= high else ((low + high) / 2,) * 2
    band = ChosenBand(low, high, proportion(0, 0), proportion(0, 0))
    decided = [(case, decision) for case in held_back if (decision := band.decide(case.score)) is not None]
    agreed = sum(decision == case.passed for case, decision in decided)
    return ChosenBand(low, high, proportion(agreed, len(decided)), proportion(len(decided), len(held_back)))


def _edge(rows: Sequence[tuple[float, bool]], agreement: float, start: float) -> float:
    """The furthest score, going in from one end, up to which the share of agreements holds.

    Cases with the same score stand or fall together. The edge is the first score that belongs to the band.
    """
    edge, agreed = start, 0
    for position, (score, right) in enumerate(rows):
        agreed += right
        following = rows[position + 1][0] if position + 1 < len(rows) else None
        if following == score:
            continue
        if agreed >= agreement * (position + 1) and following is not None:
            edge = following
    return edge
