"""Where a flow run works: in the given directory, or in a clone of its own, so that two runs cannot meet."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.errors import BusyError, InputError, SetupError
from verif.pipeline.run import is_running, only_run
from verif.project import apply_overrides, record_overrides, set_parameters
from verif.system.git import git
from verif.system.run_cache import fetch_tracked

KEEP = 5  # clones of ended runs that stay for a look


@dataclass(frozen=True)
class Place:
    """A directory that holds the project, and the id that marks every process of this run.

    `base` is the directory it was cloned from, where people work; without a clone it is `root` itself.
    """

    root: Path
    run_id: str
    base: Path


def clone(base: Path, run_id: str) -> Path:
    """A clone of `base` at its HEAD, with its DVC cache and remotes, its data, and its checkpoints to resume from."""
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
    fetch_tracked(target)
    return target


@contextmanager
def cloning(base: Path) -> Iterator[None]:
    """While somebody makes a clone and does not hold its lock yet, nobody deletes clones: it may be the oldest there is."""
    path = base / ".verif" / "clones.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def forget_old(base: Path) -> None:
    """Delete clones of ended runs, but for the newest few; what a killed run left running there is ended first.

    Where another run is just being cloned, that one will do it.
    """
    with (base / ".verif" / "clones.lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        clones = sorted((base / ".verif" / "clones").iterdir(), key=lambda p: p.stat().st_mtime)
        for old in clones[:-KEEP]:
            with suppress(BusyError), only_run(old, "forget"):  # a running one holds its lock
                shutil.rmtree(old, ignore_errors=True)


def newest_run(base: Path, folder: str) -> Path:
    """The directory (`base`, or the clone of a run that has ended) whose `folder` is the newest."""
    clones = [p for p in (base / ".verif" / "clones").glob("*") if not is_running(p)]
    holders = [place for place in (base, *clones) if (place / folder).exists()]
    if not holders:
        raise InputError(
            f"neither {base} nor the clone of a run that has ended holds it.",
            file=folder,
            hint="Run the pipeline first, or give the full path of a folder of rollouts.",
        )
    return max(holders, key=lambda place: (place / folder).stat().st_mtime)


@contextmanager
def workspace(directory: str | None, recipe: str, data: str, overrides: Mapping[str, Any]) -> Iterator[Place]:
    """The place of one run, its parameters set, its lock held; everything it started has ended when it closes."""
    run_id = uuid.uuid4().hex[:12]
    base = Path(directory or ".").resolve()
    root = base
    with ExitStack() as held:
        if directory:
            run_id = held.enter_context(only_run(root, run_id))
        else:
            share_registry(base)
            with cloning(base):
                root = clone(base, run_id)
                run_id = held.enter_context(only_run(root, run_id))
            forget_old(base)
        set_parameters(root, recipe, data)
        apply_overrides(root, recipe, overrides)
        record_overrides(root, overrides)
        yield Place(root, run_id, base)


def share_registry(base: Path) -> None:
    """Runs in clones write to the base's MLflow, unless a server is named."""
    from verif.registry.runs.mlflow import uri

    os.environ["MLFLOW_TRACKING_URI"] = uri(base)
