"""ms-swift's own registry of rewards, loaded from its file: the rest of it needs packages that fight with the lock."""

from __future__ import annotations

import pytest
from support.hosts import seen

pytestmark = pytest.mark.slow


def test_an_error_raises_because_a_none_would_be_a_zero_among_its_group() -> None:
    told = seen("ms-swift", "swift_errors.py")
    assert told["rewards"] == [1.0, 0.0]
    assert told["cut"] == [0.0], "a judge is asked about no fragment"
    assert told["none_counts_as"] == 0.0, "the file that makes its advantages adds NaN up as 0"
    assert told["broken"].startswith("NoRewardError")
