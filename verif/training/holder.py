"""Who trains in a folder that several machines can see: a file that says so and is kept fresh.

A lock of the operating system holds off a second process of this machine, and on many shared file systems nobody
else: a pod that was deleted by hand would train on beside its successor, in one folder of checkpoints. So the holder
counts up in a file every `BEAT_S`; whoever sees the count stand still for `STALE_S`, by its own clock, takes over, and
a holder that finds another's name there, or could not write for half of that, ends itself.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from verif.errors import BusyError

NAME = "holder.json"
GRACE = "VERIF_GRACE_S"
"""Seconds in which a run that is told to end may still save a checkpoint (see `verif.training.ending`)."""
BEAT_S = 5.0
STALE_S = 120.0
"""A shared file system may show an old state for a minute."""
WAIT_S = 240.0
"""A predecessor that is being ended has 120 s of grace on a cluster."""
SETTLE_S = 2.0


class Holder:
    """One process's hold on a folder. `host` of another process is another machine, or another pod."""

    def __init__(
        self,
        folder: Path,
        host: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path, self.host = folder / NAME, host or socket.gethostname()
        self.clock, self.sleep = clock, sleep
        self.token, self.beats, self.last = secrets.token_hex(8), 0, clock()

    def take(self) -> None:
        """Hold the folder, when nobody else does or the one who did has gone; `BusyError` while somebody lives there."""
        seen, since, end, told = None, self.clock(), self.clock() + WAIT_S, False
        while True:
            record = self._read()
            if record is None and self._first():
                return
            other = record or {}
            if other.get("host") == self.host:  # of this machine, whose lock says that it has gone
                self._write()
                return
            if (mark := (other.get("token"), other.get("beat"))) != seen:
                seen, since = mark, self.clock()
            silent = self.clock() - since
            who = f"{other.get('host')}, process {other.get('pid')}"
            if silent >= STALE_S:
                self._write()
                self.sleep(SETTLE_S)  # two may have seen it stand still; the last to write has it
                if self.ours():
                    return
            elif self.clock() >= end:
                raise BusyError(
                    f"another machine trains in {self.path.parent} ({who}); its last sign of life is {silent:.0f} s old.",
                    "Wait for it, or end it.",
                )
            if not told:
                print(f"train: waiting until {who} has gone from {self.path.parent}", flush=True)
                told = True
            self.sleep(1.0)

    def ours(self) -> bool:
        """Whether the file still names this process."""
        return (self._read() or {}).get("token") == self.token

    def beat(self) -> bool:
        """Another sign of life; False when the folder is no longer ours."""
        try:
            if (self._read() or {"token": self.token}).get("token") != self.token:  # none: deleted by hand
                return False
            self._write()
        except OSError:
            pass
        return self.clock() - self.last < STALE_S / 2

    def release(self) -> None:
        """Let the next one in at once."""
        if self.ours():
            self.path.unlink(missing_ok=True)

    def _first(self) -> bool:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        self._write()
        return True

    def _write(self) -> None:
        self.beats += 1
        record = {"host": self.host, "pid": os.getpid(), "token": self.token, "beat": self.beats}
        temporary = self.path.with_name(f".{NAME}.{self.token}.tmp")  # two pods may have the same process id
        temporary.write_bytes(orjson.dumps(record))
        temporary.replace(self.path)
        self.last = self.clock()

    def _read(self) -> dict[str, Any] | None:
        """The record; an empty one while its writer is just at it."""
        try:
            record: dict[str, Any] = orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError:
            return {}
        return record


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for the length of a block, which is interrupted when another machine has taken it over."""
    holder, over = Holder(folder), threading.Event()
    holder.take()

    def keep() -> None:
        while not over.wait(BEAT_S):
            if not holder.beat():
                print(
                    f"train: another machine has taken over {folder}; ending here",
                    file=sys.stderr,
                    flush=True,
                )
                os.environ.pop(GRACE, None)  # no checkpoint more: the folder is not ours
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = threading.Thread(target=keep, name="holder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        holder.release()
