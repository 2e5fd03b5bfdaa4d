"""Who uses a service: one small file per user, counted only while that very process lives.

A file names pid and start time, so that a killed user stops counting and a reused pid is not mistaken for it.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from verif.system.processes import started


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
