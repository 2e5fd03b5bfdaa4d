"""Process groups that end when they are told to, and nothing left behind.

Everything a run starts inherits the environment variable `VERIF_RUN=<root>|<id>`. Stages run in process
groups of their own, and what they start (model servers, Ray) often in yet other sessions, so the marker, not
the group, is what says "this belongs to that run". Linux only: it reads /proc and uses the parent-death signal.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

MARKER = "VERIF_RUN"
_PR_SET_PDEATHSIG = 1


def marker(root: Path, run_id: str) -> str:
    """The value of the marker for a run of the project at `root`."""
    return f"{root.resolve()}|{run_id}"


def die_with_parent() -> None:
    """Called first thing in a child: it gets SIGTERM when its parent is gone, `kill -9` included."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def start(command: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command as the leader of its own session, on this process's streams."""
    return subprocess.Popen(command, cwd=cwd, env=dict(env), start_new_session=True)


def stop_group(process: subprocess.Popen[Any], grace_s: float = 12.0) -> None:
    """Interrupt the group, then terminate it, then kill it; returns when the leader is gone."""
    for number, patience in ((signal.SIGINT, grace_s), (signal.SIGTERM, grace_s / 4), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


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


def marked(wanted: Callable[[str], bool]) -> list[psutil.Process]:
    """Other processes whose marker satisfies `wanted`; unreadable ones are not ours."""
    members = []
    ours = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    for process in psutil.process_iter():
        if process.pid in ours:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            value = process.environ().get(MARKER)
            if value is not None and process.status() != psutil.STATUS_ZOMBIE and wanted(value):
                members.append(process)
    return members


def reap(wanted: Callable[[str], bool], grace_s: float = 10.0) -> int:
    """End every marked process, politely first; says how many there were."""
    first = marked(wanted)
    for process in first:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(first, grace_s)
    deadline = time.monotonic() + 10
    # Dying processes may still have started others: look again until nothing is left.
    while (rest := marked(wanted)) and time.monotonic() < deadline:
        for process in rest:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(rest, 2)
    return len(first)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that `finally` blocks run. Main thread only; restores the old handler."""

    def handler(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, handler)
    except ValueError:  # not the main thread: the worker that runs it has its own ways
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
