"""Numbers without a verdict behind them: a benchmark whose soft constraints no judge decides."""

from __future__ import annotations

from verif.recipe import PromotionGate
from verif.registry.card import _cell
from verif.registry.gate import _gain
from verif.registry.report.page import interval, points

NOTHING = {"value": None, "low": None, "high": None, "n": 0, "p_value": 1.0, "effect_size": 0.0}


def test_what_was_not_measured_says_so_and_never_passes_the_gate() -> None:
    check = _gain("held-back", NOTHING, 1.0, PromotionGate(min_gain=-1.0))
    assert not check.passed
    assert check.value is None
    assert "no prompt has a verdict on all" in check.note
    assert _cell(NOTHING) == interval(NOTHING) == points(NOTHING) == "not measured"
