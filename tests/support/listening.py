"""What a running training run listens on, and whom its Ray obeys; used by the end-to-end test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def only_this_machine(processes: Iterable[psutil.Process]) -> None:
    """Every listening socket of the run, of the verifier and of its judge is on loopback."""
    found: list[tuple[str, str, int]] = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            name = process.name()
            found += [(name, *c.laddr) for c in process.net_connections("inet") if c.laddr and not c.raddr]
    names = {name for name, *_ in found}
    assert {"gcs_server", "raylet"} <= names, names
    open_to_others = [row for row in found if row[1] not in LOOPBACK]
    assert not open_to_others, open_to_others


def gcs_port(processes: Iterable[psutil.Process]) -> int:
    """Where the run's Ray listens; 0 before it does."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.name() == "gcs_server":
                for connection in process.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN:
                        return int(connection.laddr.port)
    return 0


def only_with_the_token(
    token: Callable[[], Path],
    processes: Callable[[], list[psutil.Process]],
    wait: Callable[[Callable[[], Any]], None],
    home: Path,
) -> None:
    """While the run starts up: who does not know its token cannot run code in its Ray, who does can."""
    wait(lambda: time.sleep(1) or gcs_port(processes()))  # looking at every process costs
    path = token()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    where = f"'127.0.0.1:{gcs_port(processes())}'"
    code = f"import ray; ray.init({where}); print(ray.get(ray.remote(lambda: 'it ran').remote()))"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    kept |= {"HOME": str(home), "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    attempts = [
        {"RAY_AUTH_MODE": "disabled"},
        {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "w" * 43},
        {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path)},
    ]
    line = [sys.executable, "-c", code]
    running = [
        subprocess.Popen(line, env=kept | secret, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for secret in attempts
    ]
    said = [one.communicate(timeout=240)[0] for one in running]
    assert ["it ran" in text.splitlines() for text in said] == [False, False, True], said
    assert not (home / ".ray").exists()
