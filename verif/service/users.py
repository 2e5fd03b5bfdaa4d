"""Who uses a service: one small file per user, counted only while that very process lives.

A file names pid and start time, so that a killed user stops counting and a reused pid is not mistaken for it.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import psutil


def started(pid: int) -> float | None:
    """When the process with that pid started, or None if there is none.

    On Linux in ticks since boot: a clock that jumps must not turn a living process into a stranger.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        if stat.parent.parent.joinpath("self").exists():
            fields = stat.read_text().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else float(fields[19])
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except (psutil.Error, OSError, IndexError):
        return None


def lives(pid: int, start: float) -> bool:
    """Whether the process with that pid is the one that started then."""
    now = started(pid)
    return now is not None and abs(now - start) < 1.5


def add(folder: Path) -> Path:
    """Count this process as a user until the file is removed (or the process is gone)."""
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.getpid()
    path = folder / f"{pid}-{started(pid):.2f}-{uuid.uuid4().hex[:8]}"
    path.touch()
    return path


def count(folder: Path) -> int:
    """Living users; files of dead ones are removed."""
    total = 0
    for path in folder.glob("*-*-*") if folder.is_dir() else ():
        pid, start, _ = path.name.split("-")
        if lives(int(pid), float(start)):
            total += 1
        else:
            path.unlink(missing_ok=True)
    return total
