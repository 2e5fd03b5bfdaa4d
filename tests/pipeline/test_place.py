"""A stage meant for the cluster never starts on this machine by accident, and a copy's stage runs the copy's code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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


@pytest.mark.slow
def test_a_stage_runs_the_code_that_lies_beside_its_files(tmp_path: Path, root: Path) -> None:
    """As in the copy of `dvc exp run --temp`, whose PATH has the command of the checkout that was installed."""
    shutil.copytree(root / "verif", tmp_path / "verif", ignore=shutil.ignore_patterns("__pycache__"))
    edited = tmp_path / "verif" / "cli" / "stage.py"
    edited.write_text(edited.read_text().replace("unknown stage", "this copy has no stage"))
    env = os.environ | {"PYTHONPATH": str(root)}
    # -P: as a console script, which does not look into the current directory
    command = [sys.executable, "-P", "-c", "from verif.cli.app import main; main()", "stage", "census"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "this copy has no stage 'census'" in done.stderr
