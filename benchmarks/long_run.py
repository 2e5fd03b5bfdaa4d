"""A pipeline that runs for hours: says where it is, and keeps its time and memory over kills and new starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

from verif.errors import InputError
from verif.system.files import write_json

LOOK_S, SAY_S = 5.0, 120.0
"""Seconds between two looks at memory, and between two lines that say how far the run is."""


class Spent:
    """Minutes and the memory's peak of a run so far, in a file: what a killed part of it took counts, too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            kept = json.loads(path.read_text("utf-8"))
            self.minutes, self.gigabytes = float(kept["minutes"]), float(kept["peak_gb"])
        except FileNotFoundError:
            self.minutes = self.gigabytes = 0.0
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"is damaged: {error}", file=path, hint="Remove it to begin again.") from None

    def keep(self, minutes: float, gigabytes: float) -> None:
        """Write what has been spent by now."""
        self.minutes, self.gigabytes = minutes, max(self.gigabytes, gigabytes)
        write_json(self.path, {"minutes": round(self.minutes, 2), "peak_gb": round(self.gigabytes, 2)})


class Watching(threading.Thread):
    """Looks at a process and all below it: memory (resident, shared pages counted once each), and the log's last line."""

    def __init__(self, process: psutil.Process, name: str, log: Path, spent: Spent) -> None:
        super().__init__(daemon=True)
        self.process, self.name_, self.log, self.spent = process, name, log, spent
        self.began, self.before, self.over = time.monotonic(), spent.minutes, threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        said = time.monotonic()
        while not self.over.wait(LOOK_S):
            self.keep()
            if time.monotonic() - said >= SAY_S:
                said = time.monotonic()
                print(f"{self.name_}, {self.spent.minutes:.0f} min: {last_line(self.log)}", flush=True)

    def keep(self) -> None:
        """What has been spent up to now."""
        minutes = self.before + (time.monotonic() - self.began) / 60
        self.spent.keep(minutes, held_gb(self.process))


def held_gb(process: psutil.Process) -> float:
    """GB that a process and all below it hold now; 0 if it has ended."""
    total = 0
    try:
        below = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for member in below:
        try:
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e9


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            lines = stream.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
    except OSError:
        return "no log yet"
    return next((line.strip()[:160] for line in reversed(lines) if line.strip()), "no line yet")


def run(
    line: Sequence[str], folder: Path, env: Mapping[str, str], name: str, log: Path, spent: Spent
) -> None:
    """Run a command to its end; `InputError` with the log's place if it fails. Ended itself, it ends the command first."""
    children: list[subprocess.Popen[bytes]] = []

    def end(number: int, _: FrameType | None) -> None:
        for child in children:
            os.kill(child.pid, signal.SIGINT)  # as Ctrl-C: what it has begun is ended and kept
            child.wait()
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with log.open("ab") as stream:
            process = subprocess.Popen(
                line,
                cwd=folder,
                env=dict(env),
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            children.append(process)
            code = _watched(process, name, log, spent)
    finally:
        signal.signal(signal.SIGTERM, before)
    if code:
        raise InputError(f"{line[0]} ended with {code}: {last_line(log)}", file=log)


def _watched(process: subprocess.Popen[bytes], name: str, log: Path, spent: Spent) -> int:
    """The exit code, once it has ended; what it spends is kept meanwhile."""
    watching = Watching(psutil.Process(process.pid), name, log, spent)
    watching.start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    finally:
        watching.over.set()
        watching.join()
        watching.keep()
