"""A stage meant for the cluster never starts on this machine by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.cli import stage as command
from verif.errors import SetupError
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.registry.runs import recording


class Started(Exception):
    """The stage would have been run."""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`verif stage train` of a recipe whose train stage has that executor, up to where its work would begin."""

    def begin(*_: object) -> None:
        raise Started

    def asked(executor: str, here: str | None) -> None:
        resources = {"train": {"executor": executor, "gpus": 8}}
        recipe = parse_recipe(
            {
                "name": "t",
                "data": {"kind": "world"},
                "policy": {"kind": "scratch"},
                "judge": {"kind": "scratch"},
                "resources": resources,
            },
            "test",
        )
        monkeypatch.setattr(command, "load_stage", lambda: Stage(tmp_path, recipe, tmp_path / "data"))
        monkeypatch.setattr(recording, "recorded", begin)
        if here:
            monkeypatch.setenv("VERIF_EXECUTOR", here)
        else:
            monkeypatch.delenv("VERIF_EXECUTOR", raising=False)
        command.stage("train")

    return asked


@pytest.mark.parametrize("here", [None, "local"])
def test_a_gpu_stage_is_refused_here_before_anything_starts(ask, here: str | None) -> None:
    with pytest.raises(SetupError, match="stage train of recipe t runs on kubernetes"):
        ask("kubernetes", here)


@pytest.mark.parametrize(("executor", "here"), [("kubernetes", "kubernetes"), ("local", None)])
def test_it_runs_where_it_belongs(ask, executor: str, here: str | None) -> None:
    with pytest.raises(Started):
        ask(executor, here)
