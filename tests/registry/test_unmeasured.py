"""Numbers without a verdict behind them: a benchmark whose soft constraints no judge decides."""

from __future__ import annotations

from verif.recipe import PromotionGate
from verif.registry import plots
from verif.registry.card import _cell
from verif.registry.gate import _gain
from verif.registry.report.page import interval, points
from verif.system.files import write_json

NOTHING = {"value": None, "low": None, "high": None, "n": 0, "p_value": 1.0, "effect_size": 0.0}


def test_what_was_not_measured_says_so_and_never_passes_the_gate() -> None:
    check = _gain("held-back", NOTHING, 1.0, PromotionGate(min_gain=-1.0))
    assert not check.passed
    assert check.value is None
    assert "no prompt has a verdict on all" in check.note
    assert _cell(NOTHING) == interval(NOTHING) == points(NOTHING) == "not measured"


def test_a_share_that_was_not_measured_is_no_bar_of_the_plots(stage) -> None:
    measured = {"value": 0.25, "low": 0.0, "high": 0.5, "n": 4}
    numbers = {"before": {"strict": measured}, "after": {"strict": NOTHING}}
    write_json(
        stage.reports / "evaluation.json", {"benchmarks": {"held-back": numbers}, "order": ["held-back"]}
    )
    assert list(plots.sides(stage)) == [("whole prompt", "before", "0.25")]
