"""Stands between a training run and its supervisor, so that nothing outlives either.

Ray, veRL and vLLM start some twenty processes in several sessions; killing one of them, or their parent,
leaves others behind. The guard runs the command with a marker in its environment, which every descendant
inherits, and ends everything that carries the marker as soon as the command has ended, the supervisor says
so, or the supervisor is gone (its end of the pipe closes, `kill -9` included). It then removes what those
processes left: shared memory segments, sockets, Ray's folder.

Run as a script, with the standard library only: `python -I guard.py MARKER LOG FOLDER -- COMMAND...`.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "VERIF_RUN_MARKER"
GRACE_S = 5.0
SCAN_S = 5.0
_SHARED = re.compile(r"/dev/shm/((?:psm_|verl_weights_)\S+)")  # noqa: S108


def marked(marker: str) -> list[int]:
    """Process ids whose environment carries the marker (Linux; elsewhere none, and sessions must do)."""
    wanted = f"{VARIABLE}={marker}".encode()
    pids = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != os.getpid():
                pids.append(int(entry.name))
        except (OSError, ValueError):
            continue  # gone, or another user's
    return pids


def leftovers(pids: Iterable[int]) -> set[Path]:
    """Shared memory segments that the processes have mapped, and sockets in /tmp that they listen on."""
    paths: set[Path] = set()
    inodes: set[str] = set()
    for pid in pids:
        try:
            maps = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace")
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue
        paths |= {Path("/dev/shm") / name for name in _SHARED.findall(maps)}  # noqa: S108
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    try:
        rows = [
            line.split() for line in Path("/proc/net/unix").read_text("utf-8", "replace").splitlines()[1:]
        ]
    except OSError:
        rows = []
    paths |= {
        Path(row[7])
        for row in rows
        if len(row) > 7 and row[6] in inodes and row[7].startswith("/tmp/rl-colocate-")  # noqa: S108
    }
    return paths


def end_all(marker: str, grace_s: float = GRACE_S) -> set[Path]:
    """End every marked process, politely and then by force; returns what they leave behind."""
    behind = leftovers(marked(marker))
    for number, seconds in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        end = time.monotonic() + seconds
        signalled: set[int] = set()
        while pids := marked(marker):
            behind |= leftovers(pids)
            for pid in set(pids) - signalled:  # a process that is being ended may still start others
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
                signalled.add(pid)
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        else:
            break
    return behind


def remove(paths: Iterable[Path], folder: Path) -> None:
    """Remove what is left behind, and Ray's folder."""
    for path in paths:
        path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def main(marker: str, log: str, folder: str, command: list[str]) -> int:
    """Run the command; returns its exit code, or 130 if it was told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    with open(log, "ab") as stream:  # noqa: PTH123
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, VARIABLE: marker},
            start_new_session=True,
        )
    behind: set[Path] = set()
    scanned = 0.0
    while child.poll() is None and not stopped:
        readable, _, _ = select.select([sys.stdin], [], [], 0.25)
        if readable:  # a word, or the end of the pipe: either way the supervisor wants no more
            stopped = True
        elif time.monotonic() - scanned > SCAN_S:
            behind |= leftovers(marked(marker))
            scanned = time.monotonic()
    behind |= end_all(marker)
    child.poll()
    remove(behind, Path(folder))
    return 130 if stopped else (child.returncode or 0)


if __name__ == "__main__":
    split = sys.argv.index("--")
    sys.exit(main(*sys.argv[1:split], command=sys.argv[split + 1 :]))  # type: ignore[arg-type, misc]
