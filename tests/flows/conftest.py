"""The services of `make up` for a project whose stages are quick, and a client that speaks to them as the UI does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.quick_stages import make_quick
from urllib3 import Retry

from flows import server
from verif.system import local_services

BUSY = Retry(
    8,
    connect=0,
    read=0,
    status_forcelist=[503],
    allowed_methods=None,
    backoff_factor=0.2,
    raise_on_status=False,
)
"""A server whose database is locked for a moment says 503; Prefect's own client asks again, too."""


@dataclass(frozen=True)
class Services:
    """A running `make up`."""

    root: Path
    prefect: str
    mlflow: str

    @property
    def login(self) -> tuple[str, str]:
        """What a person types into the browser's windows."""
        user, password = local_services.password_path(self.root).read_text().split(":")
        return user, password

    def call(self, method: str, path: str, **body: Any) -> Any:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=BUSY))
            answer = session.request(
                method, f"{self.prefect}/api{path}", json=body or None, timeout=60, auth=self.login
            )
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def trigger(self, deployment: str, **parameters: Any) -> str:
        """What the UI's Run button does; the id of the run."""
        found = self.call("GET", f"/deployments/name/{deployment}")
        run = self.call(
            "POST",
            f"/deployments/{found['id']}/create_flow_run",
            parameters=parameters,
            state={"type": "SCHEDULED"},
        )
        return str(run["id"])

    def tasks(self, run: str) -> list[dict[str, Any]]:
        """The run's task runs."""
        return list(self.call("POST", "/task_runs/filter", flow_runs={"id": {"any_": [run]}}))

    def logs(self, run: str) -> list[str]:
        """What its log says, its tasks' included."""
        lines = self.call("POST", "/logs/filter", logs={"flow_run_id": {"any_": [run]}}, limit=200)
        return [line["message"] for line in lines]

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """What it has published."""
        return list(self.call("POST", "/artifacts/filter", flow_runs={"id": {"any_": [run]}}, limit=100))

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A Python process that is a client of these services."""
        env = os.environ | {"PREFECT_API_URL": f"{self.prefect}/api"} | variables
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)

    def state(self, run: str) -> str:
        return str(self.call("GET", f"/flow_runs/{run}")["state"]["type"])

    def wait(self, condition: Callable[[], bool], seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(1)

    def has_ended(self, run: str) -> bool:
        return self.state(run) in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    def wait_for_end(self, run: str) -> str:
        self.wait(lambda: self.has_ended(run))
        return self.state(run)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("flows") / "verif"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(folder)], check=True)
    make_quick(folder)
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = str(folder)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before['PATH']}"
    try:
        prefect, mlflow = server.up(folder, 0, 0)
        os.environ |= {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow}
        local_services.adopt(folder)
        yield Services(folder, prefect, mlflow)
    finally:
        server.down(folder)
        os.environ.clear()
        os.environ.update(before)
