"""Which judge of a hardening is kept (the best of all rounds, not the last, and not the one that refuses most), and when
the rounds end."""

from __future__ import annotations

from typing import Any

import pytest

from verif.pipeline.hardening import best_round, withstands
from verif.recipe import PressureSection


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


LIMITS = PressureSection(max_false_accepted=0.1, max_search=0.15)


@pytest.mark.parametrize(
    ("row", "limits", "aim", "ends"),
    [
        ({"false_accepted": 0.05, "search": 0.07}, LIMITS, 0.5, True),
        ({"false_accepted": 0.06, "search": 0.07}, LIMITS, 0.5, False),
        ({"false_accepted": 0.05, "search": 0.08}, LIMITS, 0.5, False),
        ({"false_accepted": 0.09, "search": 0.14}, LIMITS, 1.0, True),
        ({"false_accepted": 0.01, "search": 0.01}, LIMITS, 0.0, False),
        ({"false_accepted": 0.0}, LIMITS, 0.5, False),
        ({"false_accepted": 0.0, "search": 0.0}, None, 0.5, False),
    ],
    ids=["well within", "answers", "search", "just within", "never", "not measured", "no limits"],
)
def test_rounds_end_once_the_judge_withstands_the_audit(
    row: dict[str, Any], limits: PressureSection | None, aim: float, ends: bool
) -> None:
    assert withstands(row, limits, aim) is ends
