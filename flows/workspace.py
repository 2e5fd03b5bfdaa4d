"""Where a flow run works: in the given directory, or in a clone of its own, so that two runs cannot meet."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.errors import SetupError
from verif.overrides import apply_overrides
from verif.parameters import record_overrides, set_parameters
from verif.pipeline import only_run

KEEP = 5  # clones of ended runs that stay for a look


@dataclass(frozen=True)
class Place:
    """A directory that holds the project, and the id that marks every process of this run."""

    root: Path
    run_id: str


def git(root: Path, *arguments: str) -> str:
    """Output of a git command; its complaint becomes a `SetupError`."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"git {arguments[0]} in {root} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.strip()


def clone(base: Path, run_id: str) -> Path:
    """A clone of `base` at its HEAD, with its DVC cache and remotes, and its checkpoints to resume from."""
    folder = base / ".verif" / "clones"
    target = folder / run_id
    folder.mkdir(parents=True, exist_ok=True)
    git(base, "clone", "--quiet", "--no-hardlinks", str(base), str(target))
    local = base / ".dvc" / "config.local"
    if local.is_file():
        shutil.copy(local, target / ".dvc" / "config.local")
    cache = subprocess.run(
        ["dvc", "cache", "dir", "--local", str(base / ".dvc" / "cache")],
        cwd=target,
        capture_output=True,
        text=True,
        check=False,
    )
    if cache.returncode != 0:
        raise SetupError(f"dvc in {target} failed: {cache.stderr.strip()}")
    runs = base / ".verif" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    (target / ".verif").mkdir(exist_ok=True)
    (target / ".verif" / "runs").symlink_to(runs.resolve(), target_is_directory=True)
    return target


def forget_old(base: Path) -> None:
    """Delete clones of ended runs, but for the newest few."""
    clones = sorted((base / ".verif" / "clones").iterdir(), key=lambda p: p.stat().st_mtime)
    for old in clones[:-KEEP]:
        # A running one holds its lock; its directory is younger than KEEP others only in a busy pool.
        if not (old / ".verif" / "run.lock").exists() or not (old / ".verif" / "run.lock").read_text("utf-8"):
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def workspace(directory: str | None, recipe: str, data: str, overrides: Mapping[str, Any]) -> Iterator[Place]:
    """The place of one run, its parameters set, its lock held; everything it started has ended when it closes."""
    run_id = uuid.uuid4().hex[:12]
    if directory:
        root = Path(directory).resolve()
    else:
        base = Path.cwd().resolve()
        share_registry(base)
        root = clone(base, run_id)
        forget_old(base)
    with only_run(root, run_id) as run_id:
        set_parameters(root, recipe, data)
        apply_overrides(root, recipe, overrides)
        record_overrides(root, overrides)
        yield Place(root, run_id)


def share_registry(base: Path) -> None:
    """Runs in clones write to the base's MLflow, unless a server is named."""
    from verif.registry.tracking import uri

    os.environ["MLFLOW_TRACKING_URI"] = uri(base)
