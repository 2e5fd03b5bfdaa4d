"""inspect-ai's own `eval` with a model that says what it is told."""

from __future__ import annotations

import math

import pytest
from support.hosts import seen

pytestmark = pytest.mark.slow


def test_scores_and_what_is_left_unscored() -> None:
    told = seen("inspect-ai", "inspect_errors.py")
    assert told["status"] == "success"
    assert told["values"][:2] == [1.0, 0.0]
    assert math.isnan(told["values"][2])
    assert told["explanations"][1] == "1 commas"
    assert told["explanations"][2]
    assert told["accuracy"] == 0.5, "of the two that were decided"
