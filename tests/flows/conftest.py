"""The services of `make up` for a project whose stages are quick, and a client that speaks to them as the UI does."""

from __future__ import annotations

import json
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
import yaml
from support.headlines import REFUSED

from flows import server
from verif.system import local_services

PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><rect width='40' height='20' fill='teal'/></svg>"


MADE: dict[str, Any] = {
    "reports/headline.json": REFUSED.as_json(),
    "reports/registration.json": {"model": "m", "version": "3", "alias": "champion"},
    "reports/train.json": {
        "accuracy": 0.75,
        "steps": 70,
        "reward": {"first": {"value": 0.3}, "last": {"value": 0.6}},
    },
    "reports/evaluation.json": {"many": {f"n{i:03}": i for i in range(900)}, "accuracy": 0.75},
}
ALARMS = {"alarms": [{"step": 41, "message": "the oracle calls 25% of accepted rollouts false"}], "steps": []}


def makes(out: str) -> str:
    """The shell line that makes a quick stage's output."""
    if not Path(out).suffix:
        more = f" && echo '{json.dumps(ALARMS)}' > {out}/alarms.json" if out == "reports/train" else ""
        return f'mkdir -p {out} && echo "{PICTURE}" > {out}/picture.svg{more}'
    content = MADE.get(out, {"accuracy": 0.75} if out.endswith(".json") else {})
    return f"mkdir -p {Path(out).parent} && echo '{json.dumps(content)}' > {out}"


def make_quick(folder: Path) -> None:
    """Stages that end at once: a number for each report, a picture in one folder; `train` is slow if asked."""
    path = folder / "dvc.yaml"
    raw = yaml.safe_load(path.read_text())
    for name, stage in raw["stages"].items():
        parts = [makes(out) for out in (*stage.get("outs", []), *stage.get("metrics", []))]
        if name == "train":
            parts.insert(
                0,
                "if grep -q 'steps: 9999' recipes/local.yaml; then echo $$ > $VERIF_HOME/train.pid; sleep 600; fi",
            )
        stage["cmd"] = "\n".join(parts)
        stage["deps"] = [dep.replace("verifier/identity.json", "verifier") for dep in stage["deps"]]
    path.write_text(yaml.safe_dump({"stages": raw["stages"]}, sort_keys=False))
    # A team's own data, as docs/gpu.md has it: a clone beside it gets it from the cache, any other from the remote.
    (folder / "rows.jsonl").write_text("{}\n")
    store = str(folder.parent / f"{folder.name}-remote")
    for line in (["add", "-q", "rows.jsonl"], ["remote", "add", "-q", "-d", "team", store], ["push", "-q"]):
        subprocess.run([sys.executable, "-m", "dvc", *line], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "quick stages"]
    subprocess.run(git, cwd=folder, check=True)


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
        answer = requests.request(
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
