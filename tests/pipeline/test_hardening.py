"""Which judge of a hardening is kept: the best of all rounds, not the last, and not the one that refuses most."""

from __future__ import annotations

from typing import Any

import pytest

from verif.pipeline.hardening import best_round


def _round(number: int, accept: float | None, recall: float | None) -> dict[str, Any]:
    shares = {"accept_true": accept, "recall_false": recall}
    return {"round": number, **{name: share for name, share in shares.items() if share is not None}}


@pytest.mark.parametrize(
    ("shares", "kept"),
    [
        ([(0.99, 0.82), (0.98, 0.87), (0.97, 0.93)], 2),
        ([(0.99, 0.82), (0.98, 0.93), (0.85, 0.96)], 1),
        ([(0.99, 0.82), (0.0, 1.0)], 0),
        ([(0.9, 0.9), (0.8, 1.0)], 1),
        ([(None, 0.8), (None, 0.9)], 1),
        ([(0.9, None), (0.8, None)], 0),
    ],
    ids=["better every time", "refuses too much", "refuses all", "as good", "nothing true", "nothing false"],
)
def test_the_best_round_weighs_true_and_false_alike(
    shares: list[tuple[float | None, float | None]], kept: int
) -> None:
    rounds = [_round(number, accept, recall) for number, (accept, recall) in enumerate(shares)]
    assert best_round(rounds) == kept


def test_a_round_that_ended_early_has_no_judge() -> None:
    early = {"round": 1, "new": 3, "ended": "too little is new"}
    assert best_round([_round(0, 0.9, 0.8), early]) == 0
