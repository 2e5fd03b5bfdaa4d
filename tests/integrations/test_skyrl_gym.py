"""SkyRL-gym's registry and its environment of one turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.hosts import run, seen

pytestmark = pytest.mark.slow


def test_the_example_runs(root: Path) -> None:
    assert run("skyrl-gym", root / "examples/skyrl_env.py", "examples/rows.jsonl") == "1 1.0\n2 0.0"


def test_an_error_raises_and_so_does_a_wrong_row() -> None:
    told = seen("skyrl-gym", "skyrl_errors.py")
    assert told["step"].startswith("NoRewardError: there is no reward for item '1'")
    assert told["init"].startswith("InputError: the data set, row 1, field 'kwargs'")
