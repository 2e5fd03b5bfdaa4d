"""The pipeline without Prefect: DVC's stage graph, one stage at a time, in a process group of its own.

`flows/pipeline.py` and `verif run` both stand on this; plain `dvc repro` gives the same results, because a
stage is a function of content and DVC decides what has to run.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from verif.errors import BusyError, RecipeError, RegistryError, StageError, VerifError
from verif.system.dvc import changed, stage_environment
from verif.system.processes import marker, reap, start, stop_group


@dataclass(frozen=True, slots=True)
class StageResult:
    """What became of a stage: `ran` is False when DVC found it up to date; `restored`: from a cache, nothing ran."""

    stage: str
    ran: bool
    seconds: float
    restored: bool = False


Turn = Callable[[], AbstractContextManager[None]]
"""What a stage with work to do waits for before it begins, and gives back when it has ended."""


def select(names: Sequence[str], from_stage: str | None) -> list[str]:
    """All stages, or those from `from_stage` on."""
    if from_stage is None:
        return list(names)
    if from_stage not in names:
        raise RecipeError(f"unknown stage {from_stage!r}.", f"Stages: {', '.join(names)}.")
    return list(names)[list(names).index(from_stage) :]


def run_stage(
    root: Path,
    name: str,
    run_id: str,
    *,
    pull: bool = False,
    deadline_s: float | None = None,
    extra: Mapping[str, str] | None = None,
    turn: Turn = nullcontext,
) -> StageResult:
    """`dvc repro --single-item NAME` in its own process group, which ends with this call whatever happens.

    `extra` goes into the stage's environment; `pull` restores results from the remote's run-cache; `turn` is entered
    before there is work to do. Raises `StageError`: with the stage's own message, or that it passed its deadline.
    """
    begun = time.monotonic()
    if not changed(root, name):
        return StageResult(name, ran=False, seconds=time.monotonic() - begun)
    with turn():
        return _run(root, name, run_id, pull=pull, deadline_s=deadline_s, extra=extra or {})


def _run(
    root: Path, name: str, run_id: str, *, pull: bool, deadline_s: float | None, extra: Mapping[str, str]
) -> StageResult:
    begun = time.monotonic()
    note = root / ".verif" / "errors" / f"{name}-{run_id}.json"
    restored = note.with_suffix(".restored")
    for path in (note, restored):
        path.unlink(missing_ok=True)
    given = {
        "VERIF_PARENT_RUN": parent_run(root, run_id), "VERIF_ERROR_FILE": str(note),
        "VERIF_RESTORED_FILE": str(restored), **extra,
    }  # fmt: skip
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
        outcome = StageResult(name, ran=True, seconds=time.monotonic() - begun, restored=restored.is_file())
        restored.unlink(missing_ok=True)
        return outcome
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


_parents: dict[Path, str] = {}  # the MLflow run of this process's execution, by root


def parent_run(root: Path, run_id: str) -> str:
    """The MLflow run of this execution, begun when its first stage has work; stages nest theirs below it.

    Empty while MLflow does not answer: a console that is down stops no stage. It is asked again before the next one.
    """
    from verif.project import load_stage, recorded_overrides
    from verif.registry.runs.pipeline_run import start_run

    if root not in _parents:
        tags = {"verif.run": run_id, "verif.overrides": json.dumps(recorded_overrides(root), sort_keys=True)}
        try:
            _parents[root] = start_run(load_stage(root), tags)
        except RegistryError as error:
            print(f"{error.message} The run goes on without it.", flush=True)
            return ""
    return _parents[root]


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
    return StageError(f"stage {name}: exit code {code}; its output is above.")


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
            if root in _parents:
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
    from verif.project import load_stage
    from verif.registry.runs.pipeline_run import end_run

    _parents.pop(root, None)
    with suppress(VerifError):
        end_run(load_stage(root), status)
