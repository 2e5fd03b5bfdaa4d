"""Nothing of a run outlives it: real processes, in sessions of their own, with shared memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verif.training import guard

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")

# A run as Ray makes it: a child in its own session that ignores SIGTERM and holds shared memory.
RUN = """
import os, signal, subprocess, sys, time
from multiprocessing import shared_memory
if sys.argv[1] == "child":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    block = shared_memory.SharedMemory(create=True, size=4096)
    print(os.getpid(), block.name, flush=True)
    time.sleep(60)
child = subprocess.Popen([sys.executable, "-c", os.environ["RUN"], "child"], start_new_session=True)
time.sleep(float(sys.argv[1]))
"""


class Started:
    """A guard with its run."""

    def __init__(self, folder: Path, seconds: str) -> None:
        self.marker, self.log, self.ray = f"test-{folder.name}-{os.getpid()}", folder / "log", folder / "ray"
        self.ray.mkdir()
        (self.ray / "session").write_text("x")
        line = [sys.executable, "-I", guard.__file__, self.marker, str(self.log), str(self.ray), "--"]
        self.process = subprocess.Popen(
            [*line, sys.executable, "-c", RUN, seconds],
            stdin=subprocess.PIPE,
            env={**os.environ, "RUN": RUN},
            start_new_session=True,
        )
        end = time.monotonic() + 20
        while not (self.log.is_file() and b"psm_" in self.log.read_bytes()) and time.monotonic() < end:
            time.sleep(0.05)
        self.child, self.segment = self.log.read_text().split()[:2]
        self.shared = Path("/dev/shm") / self.segment.lstrip("/")
        assert self.shared.exists()

    def assert_clean(self) -> None:
        assert guard.marked(self.marker) == []
        assert ended(int(self.child))
        assert not self.shared.exists()
        assert not self.ray.exists()


def ended(pid: int) -> bool:
    """Gone, or a zombie that the machine's first process has yet to collect."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
def test_a_run_that_ends_leaves_neither_processes_nor_memory(tmp_path: Path) -> None:
    started = Started(tmp_path, "1")
    assert started.process.wait(30) == 0
    started.assert_clean()


@pytest.mark.slow
def test_when_the_supervisor_is_killed_the_run_ends(tmp_path: Path) -> None:
    started = Started(tmp_path, "60")
    assert started.process.stdin
    started.process.stdin.close()  # what kill -9 of the supervisor does to the pipe
    assert started.process.wait(30) == 130
    started.assert_clean()


@pytest.mark.slow
def test_when_the_guard_is_killed_too_the_next_run_finds_the_rest(tmp_path: Path) -> None:
    started = Started(tmp_path, "60")
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()
    assert guard.marked(started.marker)
    guard.remove(guard.end_all(started.marker, 0.3), started.ray)
    started.assert_clean()
