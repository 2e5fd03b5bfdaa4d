"""The pipeline without Prefect: DVC's stage graph, one stage at a time, in a process group of its own.

`flows/pipeline.py` and `verif run` both stand on this; plain `dvc repro` gives the same results, because a
stage is a function of content and DVC decides what has to run.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from verif.errors import BusyError, RecipeError, VerifError
from verif.system.processes import MARKER, marker, reap, start, stop_group

# Causes that a second attempt may meet differently: a dead worker, a hung step, a server that did not come up.
HEALING = ("JudgeError", "ServiceError", "TrainingError", "Signal")


class StageError(VerifError):
    """A stage ended without its outputs; message and `kind` (an error class) are its own where it left them."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", kind: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind

    @property
    def can_heal(self) -> bool:
        """Whether trying again makes sense; bad input, a full disk or an unfit verifier stay what they are."""
        return self.kind in HEALING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a stage: `ran` is False when DVC found it up to date or restored it."""

    stage: str
    ran: bool
    seconds: float


def stage_name(node: Any) -> str:
    """The name of a node of DVC's graph; empty for a file of `dvc add`, which is a node but no stage of dvc.yaml."""
    return str(getattr(node, "name", ""))


def stage_names(root: Path) -> list[str]:
    """The stages of dvc.yaml in an order that respects DVC's graph."""
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph  # edges point from a stage to what it needs
            order = networkx.lexicographical_topological_sort(graph.reverse(), key=stage_name)
            return [stage_name(node) for node in order if stage_name(node)]
    except DvcException as error:
        raise RecipeError(f"DVC cannot read the pipeline: {error}") from None


@dataclass(frozen=True, slots=True)
class Files:
    """What a stage makes for people: metric files, and pictures among its outputs."""

    metrics: tuple[Path, ...]
    pictures: tuple[Path, ...]


def files_of(root: Path, name: str) -> Files:
    """The metric files and pictures of a stage, as far as they exist."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        (stage,) = [s for s in repo.index.stages if stage_name(s) == name]
        outs = [(Path(out.fs_path), bool(out.metric)) for out in stage.outs]
    metrics = tuple(path for path, metric in outs if metric and path.is_file())
    folders = [path for path, metric in outs if not metric and path.is_dir()]
    pictures = sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in (".png", ".svg"))
    return Files(metrics, tuple(pictures))


def changed(root: Path, name: str) -> bool:
    """Whether DVC would have to do anything for this stage now."""
    return bool(status(root, f"{root / 'dvc.yaml'}:{name}"))


def status(root: Path, *targets: str) -> dict[str, Any]:
    """What DVC finds out of date; empty when nothing is."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            return dict(repo.status(targets=list(targets) or None))
    except LockError:
        raise BusyError("another DVC command is working in this directory.", "Wait for it to end.") from None
    except DvcException as error:
        raise StageError(f"DVC: {error}") from None


def select(names: Sequence[str], from_stage: str | None) -> list[str]:
    """All stages, or those from `from_stage` on."""
    if from_stage is None:
        return list(names)
    if from_stage not in names:
        raise RecipeError(f"unknown stage {from_stage!r}.", f"Stages: {', '.join(names)}.")
    return list(names)[list(names).index(from_stage) :]


def stage_environment(root: Path, run_id: str) -> dict[str, str]:
    """What a stage's process sees: this environment's commands, this clone's code, the run's marker."""
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env["PYTHONPATH"] = os.pathsep.join(p for p in (str(root), env.get("PYTHONPATH", "")) if p)
    env[MARKER] = marker(root, run_id)
    env["DVC_NO_ANALYTICS"] = "1"
    return env


def run_stage(
    root: Path,
    name: str,
    run_id: str,
    *,
    pull: bool = False,
    deadline_s: float | None = None,
    extra: Mapping[str, str] | None = None,
) -> Outcome:
    """`dvc repro --single-item NAME` in its own process group, which ends with this call whatever happens.

    `extra` goes into the stage's environment; `pull` restores results from the remote's run-cache.
    Raises `StageError`: with the stage's own message, or that it passed its deadline.
    """
    begun = time.monotonic()
    if not changed(root, name):
        return Outcome(name, ran=False, seconds=time.monotonic() - begun)
    note = root / ".verif" / "errors" / f"{name}-{run_id}.json"
    note.unlink(missing_ok=True)
    given = {"VERIF_PARENT_RUN": parent_run(root, run_id), "VERIF_ERROR_FILE": str(note), **(extra or {})}
    command = [sys.executable, "-m", "verif.pipeline.one_stage", name, *(["--pull"] if pull else [])]
    print(f"=== {name}", flush=True)
    process = start(command, root, stage_environment(root, run_id) | given)
    try:
        code = process.wait(deadline_s)
    except subprocess.TimeoutExpired:
        stop_group(process)
        raise StageError(f"stage {name} passed its deadline of {deadline_s:.0f} s and was stopped.") from None
    except BaseException:
        stop_group(process)
        raise
    if code == 0:
        print(f"=== {name}: {time.monotonic() - begun:.0f} s", flush=True)
        return Outcome(name, ran=True, seconds=time.monotonic() - begun)
    reap(lambda value: value == marker(root, run_id))  # what a crashed stage left running
    raise failure(name, code, note)


def run_command(root: Path, run_id: str, command: Sequence[str], *, deadline_s: float | None = None) -> str:
    """A `verif` command as a stage would be run; returns what it printed. Raises `StageError`."""
    name = f"`{' '.join(command[:2])}`"
    process = subprocess.Popen(
        list(command),
        cwd=root,
        env=stage_environment(root, run_id),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        stop_group(process)
        raise StageError(f"{name} passed its deadline of {deadline_s:.0f} s and was stopped.") from None
    except BaseException:
        stop_group(process)
        raise
    if process.returncode != 0:
        lines = err.strip().splitlines() or [f"exit code {process.returncode}"]
        raise StageError(f"{name}: {lines[-1].removeprefix('verif: ')}")
    return out


@functools.cache
def parent_run(root: Path, run_id: str) -> str:
    """The MLflow run of this execution, begun when its first stage has work; stages nest theirs below it."""
    from verif.parameters import recorded_overrides
    from verif.registry.runs.pipeline_run import start_run
    from verif.project import load_stage

    tags = {"verif.run": run_id, "verif.overrides": json.dumps(recorded_overrides(root), sort_keys=True)}
    return start_run(load_stage(root), tags)


def failure(name: str, code: int, note: Path) -> StageError:
    """The error for a stage that ended with `code`, from the note it left, which is removed."""
    if note.is_file():
        left = json.loads(note.read_text("utf-8"))
        note.unlink()
        return StageError(f"stage {name}: {left['message']}", kind=left["kind"])
    if code < 0 or code > 128:
        return StageError(
            f"stage {name}: killed by signal {-code if code < 0 else code - 128}.", kind="Signal"
        )
    return StageError(f"stage {name}: exit code {code}; what it printed stands above.")


_held: dict[Path, str] = {}  # roots whose lock this process holds, with the run's id


@contextmanager
def only_run(root: Path, run_id: str) -> Iterator[str]:
    """Holds the project's run lock and yields the run's id; a second run gets a `BusyError`.

    Within a process the lock is re-entrant: the inner run is part of the outer one and gets its id. When it ends,
    everything that carries its marker has ended; when it begins, leftovers of dead runs are ended.
    """
    root = root.resolve()
    if root in _held:
        yield _held[root]
        return
    path = root / ".verif" / "run.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        take_lock(root, stream)
        mine = f"{root}|"
        reap(lambda value: value.startswith(mine))
        _held[root], status = run_id, "KILLED"
        try:
            yield run_id
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            del _held[root]
            reap(lambda value: value == marker(root, run_id))
            if parent_run.cache_info().currsize:
                end_parent(root, status)
            stream.truncate(0)


def is_running(root: Path) -> bool:
    """Whether somebody holds the project's run lock. Its text says who did last: a killed run leaves that behind."""
    path = root / ".verif" / "run.lock"
    if not path.is_file():
        return False
    with path.open("a", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def take_lock(root: Path, stream: TextIO) -> None:
    """Lock the open file and write who holds it, or say who does."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.seek(0)
        holder = stream.read().strip() or "another process"
        raise BusyError(
            f"a run is already going on in {root} ({holder}).", "Wait for it, or stop it."
        ) from None
    stream.truncate(0)
    stream.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    stream.flush()


def end_parent(root: Path, status: str) -> None:
    """Close the MLflow run; a registry that went away meanwhile must not hide how the run ended."""
    from verif.registry.runs.pipeline_run import end_run
    from verif.project import load_stage

    parent_run.cache_clear()
    with suppress(VerifError):
        end_run(load_stage(root), status)
