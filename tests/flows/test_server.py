"""`make up` before anything is started: ports, records of processes, and what is published as numbers."""

from __future__ import annotations

import os
import socket
import subprocess
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


def test_numbers_are_flattened_by_name() -> None:
    from flows.artifacts import flat

    assert dict(flat({"a": {"b": 1, "c": [1, 2]}, "d": "x"})) == {"a.b": 1, "d": "x"}
