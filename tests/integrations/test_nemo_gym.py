"""NeMo Gym's own server class around verif; its wire format alone is in `tests/service/dialects/`."""

from __future__ import annotations

import pytest
from support.hosts import seen

pytestmark = pytest.mark.slow


def test_verify_answers_through_its_own_application() -> None:
    told = seen("nemo-gym", "gym_errors.py")
    assert told["status"][:2] == [200, 200]
    assert [answer["reward"] for answer in told["answers"][:2]] == [1.0, 0.0]
    broken = told["answers"][2]
    if told["masks"]:
        assert (broken["reward"], broken["mask_sample"], broken["failure_kind"]) == (
            0.0,
            True,
            "verifier_error",
        )
    else:
        assert told["status"][2] == 500, "a Gym that knows no masks would learn from a number"
