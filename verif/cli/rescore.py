"""`verif rescore`: stored rollouts under another verifier."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from verif.errors import InputError, RecipeError
from verif.system.console import Console

if TYPE_CHECKING:
    from verif.audit.rescore import VerdictChanges

FOLDERS = (".", "rollouts", "train/rollouts", "reports/train/rollouts")


def rescore(
    run: Path = typer.Argument(help="A run: a folder of step_*.parquet, one above it, or one such file."),
    verifier: str = typer.Option(..., help="A recipe's name, or the URL of a running verifier service."),
    errors_only: bool = typer.Option(False, "--errors-only", help="Ask again only where there is an error."),
    out: Path = typer.Option(None, help="The new folder (default: beside the old one, named by verifier)."),
) -> None:
    """Judge the rollouts of a run again and report what changes, per constraint type."""
    from verif.audit.rescore import rescore as work
    from verif.service.client import VerifierClient
    from verif.service.config import TOKEN_VARIABLE
    from verif.system.files import write_json

    source = rollouts_of(run)
    with _service(verifier) as url:

        async def ask() -> tuple[str, Path, VerdictChanges]:
            async with VerifierClient(url, os.environ.get(TOKEN_VARIABLE)) as client:
                identity = await client.identity()
                # beside the rollouts, but not inside reports/train: that folder is an output of DVC's
                beside = source.parent if source.parent.name == "train" else source
                target = out or beside.with_name(f"{beside.stem}-rescored-{identity[:8]}")
                return identity, target, await work(client, source, target, errors_only=errors_only)

        identity, target, changes = asyncio.run(ask())
    summary = changes.as_dict()
    write_json(target / "changes.json", {"verifier": identity, "source": str(source)} | summary)
    console = Console()
    console.print(
        f"{summary['asked']} of {summary['rollouts']} rollouts judged again by {identity[:12]}",
        highlight=False,
    )
    table = Table("constraint type", "n", "changed", "changes")
    for row in summary["types"]:
        named = ", ".join(f"{name}: {n}" for name, n in row["changes"].items())
        table.add_row(row["type"], str(row["n"]), str(row["changed"]), named)
    console.print(table)
    if "reward_mean_before" in summary:
        before, after = summary["reward_mean_before"], summary["reward_mean_after"]
        console.print(
            f"mean reward {before:.3f} before, {after:.3f} after; {summary['rewards_changed']} changed"
        )
    console.print(f"{summary['repaired']} repaired, {summary['still_without_reward']} still without a reward")
    console.print(f"written to {target}", soft_wrap=True)


def rollouts_of(run: Path) -> Path:
    """The folder (or file) with the rollouts of a run."""
    from verif.data.rollouts import step_files

    if run.is_file():
        return run
    for name in FOLDERS:
        folder = run / name
        if folder.is_dir() and step_files(folder):
            return folder.resolve()
    raise InputError(
        "no rollouts here", file=run, hint="A run has step_*.parquet files, e.g. reports/train/rollouts."
    )


@contextlib.contextmanager
def _service(verifier: str) -> Iterator[str]:
    """The URL of the verifier: the one given, or a lease on the service of that recipe."""
    if verifier.startswith(("http://", "https://")):
        yield verifier
        return
    from verif.project import load_stage
    from verif.recipe import load_recipe
    from verif.service import lease

    stage = load_stage()
    other = load_recipe(verifier, stage.root / "recipes")
    served_elsewhere = other.judge.kind == "hub" and os.environ.get("VERIF_JUDGE_URL")
    if other.judge.kind != "none" and other.judge != stage.recipe.judge and not served_elsewhere:
        raise RecipeError(
            f"recipe {verifier!r} has another judge than {stage.recipe.name!r}, whose judge is what models/judge holds.",
            "Serve that judge and name it in VERIF_JUDGE_URL, or give the URL of its verifier service.",
        )
    with lease.verifier(replace(stage, recipe=other)) as endpoint:
        yield endpoint.url
