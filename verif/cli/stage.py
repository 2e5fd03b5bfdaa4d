"""`verif stage NAME`: what dvc.yaml calls."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path

import typer

import verif
from verif.errors import RecipeError, SetupError, VerifError
from verif.project import STAGES, Stage, load_stage


def refuse_wrong_place(stage: Stage, name: str) -> None:
    """A stage meant for the cluster never starts here by accident (on a run-cache miss `dvc repro --pull` would)."""
    wanted = stage.recipe.resources.get(name)
    here = os.environ.get("VERIF_EXECUTOR", "local")
    if wanted is not None and wanted.executor == "kubernetes" and here != "kubernetes":
        raise SetupError(
            f"stage {name} of recipe {stage.recipe.name} runs on kubernetes, and this is a local process.",
            "Run it through the flow (`verif run`), or set its executor to local in the recipe.",
        )


def use_code_of(root: Path) -> None:
    """Begin again with the code that lies here: DVC's digests are of that, and not of the checkout that was installed.

    They differ in the copy in which `dvc exp run --temp` and `--queue` work while people edit the checkout.
    """
    here = root / "verif"
    told = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if (
        not (here / "cli" / "stage.py").is_file()
        or here.resolve() == Path(verif.__file__).resolve().parent
        or told[0] == str(root)
    ):
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *(path for path in told if path)])
    os.execv(sys.executable, [sys.executable, "-m", "verif.cli", *sys.argv[1:]])  # noqa: S606


def stage(name: str = typer.Argument(help="One of: " + ", ".join(STAGES))) -> None:
    use_code_of(Path.cwd())
    from verif.core.activate import activate
    from verif.pipeline.one_stage import leave_message
    from verif.registry.runs.recording import recorded
    from verif.system.processes import terminable

    try:
        if name not in STAGES:
            raise RecipeError(f"unknown stage {name!r}.", f"Stages: {', '.join(STAGES)}.")
        context = load_stage()
        refuse_wrong_place(context, name)
        activate(context.recipe, context.root)
        with terminable(), recorded(context, name) as record:
            importlib.import_module(f"verif.pipeline.stages.{name}").run(context, record)
    except VerifError as error:
        if leave_message(str(error), type(error).__name__):
            raise SystemExit(error.exit_code) from None
        raise
    except Exception as error:
        # A full disk is the user's to solve. Writers of models and tables wrap it in errors of their own.
        if not any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT)):
            raise
        problem = SetupError(
            f"no space left on the disk while writing {getattr(error, 'filename', None) or 'a file'}.",
            "Free some space; the next run goes on from here.",
        )
        if leave_message(str(problem), type(problem).__name__):
            raise SystemExit(problem.exit_code) from None
        raise problem from None
