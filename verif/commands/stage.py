"""`verif stage NAME`: what dvc.yaml calls."""

from __future__ import annotations

import importlib

import typer

from verif.errors import RecipeError
from verif.stages.context import load_stage

STAGES = ("prepare", "policy", "judge", "verifier", "train", "evaluate", "register")


def stage(name: str = typer.Argument(help="One of: " + ", ".join(STAGES))) -> None:
    if name not in STAGES:
        raise RecipeError(f"unknown stage {name!r}.", f"Stages: {', '.join(STAGES)}.")
    importlib.import_module(f"verif.stages.{name}").run(load_stage())
