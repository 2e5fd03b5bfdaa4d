"""The threshold above which a model's word counts, chosen for a stated precision."""

from __future__ import annotations

from collections.abc import Sequence


def threshold_for(scored: Sequence[tuple[float, bool]], precision: float) -> float:
    """The lowest threshold above which so many of the accepted are the same; 1.0 where there is none.

    `scored` are probabilities with the truth. Pairs with the same probability stand or fall together.

    >>> threshold_for([(0.9, True), (0.8, True), (0.7, False), (0.6, True)], 0.98)
    0.7
    """
    best, accepted, right = 1.0, 0, 0
    rows = sorted(scored, reverse=True)
    for place, (score, same) in enumerate(rows):
        accepted, right = accepted + 1, right + same
        following = rows[place + 1][0] if place + 1 < len(rows) else 0.0
        if following != score and right >= precision * accepted:
            best = following
    return best
