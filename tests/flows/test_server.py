"""`make up` before anything is started: ports, records of processes, and what is published as numbers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from verif.errors import SetupError
from verif.system.files import write_json


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    from flows.server import free

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(
            SetupError, match=rf"port {port} for Prefect is in use. Choose another: VERIF_PREFECT_PORT"
        ):
            free(port, "Prefect", "VERIF_PREFECT_PORT")
    assert free(0, "Prefect", "VERIF_PREFECT_PORT") > 0


def test_a_reused_pid_is_not_taken_for_a_service(tmp_path: Path) -> None:
    from flows.server import alive, down, record_path

    process = subprocess.Popen(["sleep", "60"])
    try:
        created = psutil.Process(process.pid).create_time()
        write_json(
            record_path(tmp_path), {"prefect": [process.pid, created - 100], "mlflow": [os.getpid(), 1.0]}
        )
        assert alive(tmp_path) == []
        assert down(tmp_path) == 0
        assert process.poll() is None
        write_json(record_path(tmp_path), {"prefect": [process.pid, created]})
        assert down(tmp_path) == 1
        assert not psutil.pid_exists(process.pid)
    finally:
        process.kill()
        process.wait()


HALFWAY = """
import os, signal, sys
from flows import server
real = server.launch
def launch(root, name, command, env):
    process = real(root, name, [sys.executable, "-c", "import time; time.sleep(600)"], env)
    print(process.pid, flush=True)
    return process
server.launch = launch
how = getattr(signal, sys.argv[1])
server.wait = lambda *_: os.kill(os.getpid(), how)
sys.argv = ["server", "up"]
sys.exit(server.main())
"""


def halfway(folder: Path, root: Path, how: str) -> tuple[int, list[int], str]:
    """`up` that gets a signal when two services run: its exit code, their pids, and what it said."""
    env = os.environ | {"PYTHONPATH": str(root), "VERIF_PREFECT_PORT": "0", "VERIF_MLFLOW_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", HALFWAY, how],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, [int(line) for line in done.stdout.split()], done.stderr


@pytest.mark.slow
def test_sigterm_in_the_middle_of_a_start_leaves_nothing_running(tmp_path: Path, root: Path) -> None:
    from flows.server import record_path

    code, pids, said = halfway(tmp_path, root, "SIGTERM")
    assert (code, len(pids)) == (130, 2), said
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not record_path(tmp_path).exists()
    assert "nothing was left running" in said


@pytest.mark.slow
def test_what_a_killed_start_left_is_ended_by_down(tmp_path: Path, root: Path) -> None:
    from flows.server import down

    code, pids, _ = halfway(tmp_path, root, "SIGKILL")
    assert (code, len(pids)) == (-9, 2)
    assert down(tmp_path) == 2
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_the_password_is_its_owners_and_is_given_to_no_other_server(tmp_path: Path) -> None:
    from verif.errors import SetupError as Refused
    from verif.system import local_services

    where = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    before = os.umask(0)
    try:
        made = local_services.make(tmp_path, where)
    finally:
        os.umask(before)
    assert local_services.folder(tmp_path).stat().st_mode & 0o777 == 0o700
    for path in local_services.folder(tmp_path).iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    ours, theirs, partly = dict(where), {"MLFLOW_TRACKING_URI": "http://10.0.0.1:5000"}, dict(where)
    partly["PREFECT_API_URL"] = "https://prefect.example.org/api"
    for environment in (ours, theirs, partly):
        local_services.adopt(tmp_path, environment)
    assert ours == made
    assert theirs == {"MLFLOW_TRACKING_URI": "http://10.0.0.1:5000"}
    assert "PREFECT_API_AUTH_STRING" not in partly
    assert partly["MLFLOW_TRACKING_PASSWORD"] == made["MLFLOW_TRACKING_PASSWORD"]
    assert local_services.make(tmp_path, where) != made  # each `up` has its own
    local_services.password_path(tmp_path).chmod(0o640)
    with pytest.raises(Refused, match="only you can read"):
        local_services.adopt(tmp_path, dict(where))
    local_services.forget(tmp_path)
    assert list(local_services.folder(tmp_path).iterdir()) == []
