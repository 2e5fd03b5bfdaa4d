"""Clones of flow runs: old ones go, and never one that is just being made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows import workspace as module
from flows.workspace import KEEP, cloning, forget_old, workspace


def clones(base: Path, number: int, begun: float = 1e9) -> list[Path]:
    """Clones of ended runs, the first the oldest."""
    made = [base / ".verif" / "clones" / f"run-{begun:.0f}-{index}" for index in range(number)]
    for index, folder in enumerate(made):
        folder.mkdir(parents=True)
        os.utime(folder, (begun + index, begun + index))
    return made


def test_of_ended_runs_the_newest_few_stay(tmp_path: Path) -> None:
    made = clones(tmp_path, KEEP + 2)
    with cloning(tmp_path):
        forget_old(tmp_path)  # as another process would
        assert all(folder.is_dir() for folder in made), "one of them may be a clone that holds no lock yet"
    forget_old(tmp_path)
    assert [folder.is_dir() for folder in made] == [False, False] + [True] * KEEP


def test_many_runs_at_once_do_not_delete_a_clone_that_is_just_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its clone and its lock a run is overtaken by more than `KEEP` others, the last of which cleans up."""

    def clone(base: Path, run_id: str) -> Path:
        target = base / ".verif" / "clones" / run_id
        target.mkdir(parents=True)
        os.utime(target, (1.0, 1.0))
        clones(base, KEEP + 1)
        forget_old(base)
        return target

    def parameters(root: Path, *_: object) -> None:
        assert root.is_dir()

    monkeypatch.setattr(module, "clone", clone)
    monkeypatch.setattr(module, "share_registry", lambda base: None)
    for name in ("set_parameters", "apply_overrides", "record_overrides"):
        monkeypatch.setattr(module, name, parameters)
    monkeypatch.chdir(tmp_path)
    with workspace(None, "local", "", {}) as place:
        assert place.root.is_dir()
        assert place.base == tmp_path
        forget_old(tmp_path)
        assert place.root.is_dir(), "its lock is held"
