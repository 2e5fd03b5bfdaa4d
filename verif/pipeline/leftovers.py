"""What runs leave behind, what of it may go, and its size. `verif gc` shows it, and removes it when asked to.

Under `.verif`: training runs with their checkpoints, answers of evaluations, fetched models, leases with their logs,
logs and notes; beside them temporary files of killed writers, and Ray's folders under the system's temporary folder.
DVC's outputs, the registry, verdicts and everything of a run that goes on are never touched: a finished run's result
is in DVC's cache, so its checkpoints serve only to train on.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from verif.pipeline.run import is_running
from verif.service import lease, users
from verif.training.supervise import SHORT

KINDS = ("finished runs", "stopped runs", "answers", "fetched models", "leases", "logs", "temporary")
_WRITER = re.compile(r"\..+\.(\d+)\.tmp")
_RAY = re.compile(r"vr[a-z0-9_]{8}")
DAY_S = 86400.0


@dataclass(frozen=True)
class Policy:
    """`keep` finished runs (one at least) and fetched models stay, the newest; younger than `days` everything stays."""

    keep: int = 2
    days: float = 14.0


@dataclass(frozen=True)
class Leftover:
    """One file or folder; `goes` says whether the policy lets it go, `size` is in bytes."""

    kind: str
    path: Path
    size: int
    goes: bool


def leftovers(root: Path, policy: Policy, temporary: Path | None = None) -> list[Leftover]:
    """Everything that runs have left in a project, the oldest first within its kind."""
    state, now = root / ".verif", time.time()
    used = _in_use()
    busy = is_running(root)

    def old(path: Path) -> bool:
        return now - newest(path) > policy.days * DAY_S

    def told(kind: str, paths: list[Path], *, keep: int = 0, free: bool = True) -> Iterator[Leftover]:
        paths = sorted(paths, key=newest)
        spared = set(paths[-keep:]) if keep else set()
        for path in paths:
            goes = (
                free and path not in spared and old(path) and not any(str(path.resolve()) in u for u in used)
            )
            yield Leftover(kind, path, size(path), goes)

    runs = [path for path in (state / "runs").glob("*") if path.is_dir()]
    finished = [path for path in runs if (path / "finished.json").is_file()]
    remains = [
        *told("finished runs", finished, keep=max(1, policy.keep)),
        *told("stopped runs", [path for path in runs if path not in finished]),
        *told("answers", list((state / "evaluate").glob("*")), free=not busy),
        *told("fetched models", list((state / "served").glob("*")), keep=policy.keep, free=not busy),
        *told("leases", [p for p in (state / "leases").glob("*") if p.is_dir()], free=not busy),
        *told("logs", [*(state / "logs").glob("*.log"), *(state / "errors").glob("*.json")], free=not busy),
        *(
            Leftover("temporary", path, size(path), not any(str(path) in u for u in used))
            for path in sorted({*_halves(root), *_rays(temporary or SHORT, now)})
        ),
    ]
    return [
        item if not item.goes or _free(item) else Leftover(item.kind, item.path, item.size, False)
        for item in remains
    ]


def remove(item: Leftover) -> bool:
    """Remove it, unless somebody has taken it meanwhile; says whether it went."""
    with _held(item) as free:
        if not free:
            return False
        if item.path.is_dir() and not item.path.is_symlink():
            # Under another name first: half a run must not be found by its old one.
            gone = item.path.with_name(f".{item.path.name}.{os.getpid()}.tmp")
            with suppress(OSError):
                item.path.replace(gone)
            shutil.rmtree(gone if gone.exists() else item.path, ignore_errors=True)
        else:
            item.path.unlink(missing_ok=True)
    return not item.path.exists()


def newest(path: Path) -> float:
    """When something in it was last written; what is gone was never."""
    times = [0.0]
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        with suppress(OSError):
            times.append(file.lstat().st_mtime)
    return max(times)


def size(path: Path) -> int:
    """Bytes of a file, or of a folder's files; links count nothing."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        with suppress(OSError):
            total += 0 if file.is_symlink() or file.is_dir() else file.stat().st_size
    return total


def _free(item: Leftover) -> bool:
    with _held(item) as free:
        return free


@contextmanager
def _held(item: Leftover) -> Iterator[bool]:
    """True while nobody works in it: its own lock is ours, and no service or user of a lease lives."""
    if item.kind == "leases" and (lease.living(item.path) is not None or users.count(item.path / "users")):
        yield False
        return
    lock = item.path / "lock"
    if item.kind not in ("finished runs", "stopped runs", "leases") or not lock.is_file():
        yield True
        return
    with lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _halves(root: Path) -> Iterator[Path]:
    """What writers that were killed have half written: named by a process that is no more."""
    for place in (root / "data", root / "models", root / "reports", root / ".verif"):
        for path in place.rglob(".*.tmp"):
            writer = _WRITER.fullmatch(path.name)
            if writer and not psutil.pid_exists(int(writer[1])):
                yield path


def _rays(folder: Path, now: float) -> Iterator[Path]:
    """Ray's folders of our runs that were killed together with what would have removed them."""
    for path in folder.glob("vr*"):
        with suppress(OSError):
            own = path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid()
            if (
                own
                and _RAY.fullmatch(path.name)
                and any(path.glob("session_*"))
                and now - newest(path) > DAY_S
            ):
                yield path


def _in_use() -> list[str]:
    """The command lines of all processes that may be looked at: a server names its model, Ray its folder."""
    lines = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            lines.append("\0".join(process.cmdline()))
    return lines
