"""The weekly mutants: a figure that is kept, and a flow that fails when a test is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from verif.errors import VerifError

pytestmark = pytest.mark.slow

TOLD = "killed     1.0 s  a.py: x\nsurvived   1.0 s  b.py: y\nsurvived: b.py: y\n"


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The flow's function with a command that says this, and the artifacts it made."""
    checks = pytest.importorskip("flows.checks")
    made: list[dict[str, str]] = []

    @contextmanager
    def workspace(*_: Any) -> Iterator[Any]:
        yield checks.Place(tmp_path, "id", tmp_path)

    def run(figure: str) -> dict[str, int]:
        monkeypatch.setattr(checks, "run_command", lambda *_, **__: TOLD + figure + "\n")
        monkeypatch.setattr(checks, "workspace", workspace)
        monkeypatch.setattr(checks, "create_markdown_artifact", lambda **named: made.append(named))
        monkeypatch.setattr(checks, "spoil", checks.spoil.fn)
        found: dict[str, int] = checks.mutants.fn()
        return found

    run.made = made  # type: ignore[attr-defined]
    return run


def test_the_figure_is_an_artifact_and_all_killed_is_well(flow: Any) -> None:
    assert flow('{"mutants": 2, "killed": 2}') == {"mutants": 2, "killed": 2}
    (artifact,) = flow.made
    assert artifact["key"] == "mutants"
    assert artifact["markdown"].startswith("2 of 2 killed")


def test_a_survivor_fails_the_flow_and_is_named(flow: Any) -> None:
    with pytest.raises(VerifError, match="1 of 2 mutants were not killed"):
        flow('{"mutants": 2, "killed": 1}')
    assert "survived: b.py: y" in flow.made[0]["markdown"]
