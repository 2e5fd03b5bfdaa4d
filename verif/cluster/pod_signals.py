"""SIGTERM in a stage's pod: passed on to what the stage runs, which has most of the grace to end; then the pod ends.

Process 1 of a container gets no signal that it has no handler for: without this every eviction, preemption,
suspension and Ctrl-C would hold the GPUs for the whole grace, and the training would end by SIGKILL in mid-write.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from verif.system.disclosure.masking import mask

END_S = 95.0
"""For the stage's processes to end; the pod has 120 s (`terminationGracePeriodSeconds`)."""
CHECKPOINT_S = 60.0
"""Of these, for a checkpoint; after it Ray and the model servers have to end."""


class ToldToEnd(BaseException):
    """SIGTERM has arrived. No `Exception`: nothing on the way may take it for a failure and go on."""


@contextlib.contextmanager
def endable() -> Iterator[None]:
    """SIGTERM unwinds as `ToldToEnd`, once; a second one changes nothing."""

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise ToldToEnd

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_group(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, end_s: float = END_S
) -> tuple[int, str]:
    """Run a command as the leader of its own group: its exit code, and the last line that it wrote to stderr."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    assert process.stderr is not None
    last: list[str] = [""]
    reader = threading.Thread(target=_pass_on, args=(process.stderr, last), daemon=True)
    reader.start()
    try:
        code = process.wait()
    except BaseException:
        stop(process, end_s)
        raise
    reader.join(5)  # a child that was left behind may hold the pipe open
    return code, last[0]


def stop(process: subprocess.Popen[str], seconds: float) -> None:
    """SIGTERM to the group, SIGKILL to what is left of it after `seconds`; returns when nothing is."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            process.poll()
            if not _alive(process.pid):
                return
            time.sleep(0.1)


def _pass_on(stream: IO[str], last: list[str]) -> None:
    for line in stream:
        shown = mask(line)  # git and DVC quote the addresses that they were given
        sys.stderr.write(shown)
        last[0] = shown.strip() or last[0]


def _alive(group: int) -> bool:
    """Whether a process of the group still runs; the leader may be gone, and zombies wait for a parent to look."""
    for process in psutil.process_iter(["pid", "status"]):
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
    return False
