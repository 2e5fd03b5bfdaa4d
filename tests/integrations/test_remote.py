"""The example of the three dialects against a real service process."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.harness import recipe, service
from support.hosts import run

pytestmark = pytest.mark.slow


def test_a_running_service_answers_three_dialects(root: Path, tmp_path: Path) -> None:
    with service(tmp_path, None, chosen=recipe(judge="none")) as verifier:
        said = run("", root / "examples/remote_reward.py", verifier.url)
    assert said == "OpenRLHF {'rewards': [0.0], 'scores': [0.0], 'extra_logs': {}}\nslime 0.0\nNeMo Gym 0.0"
