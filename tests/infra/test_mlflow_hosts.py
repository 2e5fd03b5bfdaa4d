"""MLflow's server answers only to the names in MLFLOW_SERVER_ALLOWED_HOSTS: those that the manifests set are asked for."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml


def hosts_in_kubernetes(root: Path) -> dict[str, str]:
    """What the container's environment holds, as the kubelet expands it."""
    manifest = next(yaml.safe_load_all((root / "infra/k8s/base/mlflow.yaml").read_text()))
    environment = {"NAMESPACE": "verif", "PUBLIC_HOST": "mlflow.example.org"}
    for entry in manifest["spec"]["template"]["spec"]["containers"][0]["env"]:
        if "value" in entry:
            environment[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda m: environment[m[1]], entry["value"])
    return environment


def hosts_in_compose(root: Path) -> dict[str, str]:
    service = yaml.safe_load((root / "infra/docker/compose.yaml").read_text())["services"]["mlflow"]
    return {
        name: re.sub(r"\$\{MLFLOW_PUBLIC_HOST:-\w+\}", "mlflow.example.org", value)
        for name, value in service["environment"].items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("where", [hosts_in_kubernetes, hosts_in_compose])
def test_mlflow_answers_to_the_names_it_is_reached_by_and_to_no_others(
    where: Any, root: Path, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = {name: value for name, value in where(root).items() if name.startswith("MLFLOW_SERVER_")}
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "artifacts"),
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | said | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

    def status(host: str, method: str = "GET", origin: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        path = "/api/2.0/mlflow/experiments/search"
        headers = {"Host": host, "Content-Type": "application/json"} | ({"Origin": origin} if origin else {})
        if method == "POST":
            connection.request(method, path, json.dumps({"max_results": 1}), headers)
        else:
            connection.request(method, f"{path}?max_results=1", headers=headers)
        return connection.getresponse().status

    try:
        end = time.monotonic() + 180
        while True:
            try:
                status("localhost:5000")
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
                assert time.monotonic() < end, "mlflow did not start"
                time.sleep(0.3)
        names = ["mlflow:5000", "localhost:5000", f"127.0.0.1:{port}", "mlflow.example.org"]
        if where is hosts_in_kubernetes:
            names += ["mlflow.verif:5000", "mlflow.verif.svc:5000", "mlflow.verif.svc.cluster.local:5000"]
        assert {name: status(name) for name in names} == dict.fromkeys(names, 200)
        foreign = ["evil.example.org", "evil.example.org:5000", "mlflow.evil.example.org:5000"]
        assert {name: status(name) for name in foreign} == dict.fromkeys(foreign, 403)
        # The page posts to its own address; a page from elsewhere may not.
        assert status("mlflow.example.org", "POST", "https://mlflow.example.org") == 200
        assert status("mlflow.example.org", "POST", "https://evil.example.org") == 403
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
