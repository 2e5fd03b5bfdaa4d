"""What the watcher says is seen: on the terminal, and on Prefect's page of the run; each line once."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.logs import heard

log = logging.getLogger("verif.cluster")


def test_the_terminal_shows_each_line_once_and_only_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("before")
    with heard(), heard():
        log.info("%s: %s", "verif-train-1", "pending (unschedulable): 4 Insufficient nvidia.com/gpu")
        logging.getLogger("verif.flows").warning("the verifier may still hold its GPUs")
    log.info("after")
    assert capsys.readouterr().out.splitlines() == [
        "verif-train-1: pending (unschedulable): 4 Insufficient nvidia.com/gpu",
        "the verifier may still hold its GPUs",
    ]


RUN = """
import logging, os, time
from pathlib import Path
os.environ.update({"PREFECT_HOME": str(Path.cwd() / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                   "PREFECT_LOGGING_LEVEL": "CRITICAL"})  # as `verif run` has it
from flows.api import RunApi
api = RunApi(Path.cwd())
api.wait()
from prefect import flow, task
from prefect.client.orchestration import get_client
from flows.logs import heard
@task
def stage():
    with heard():
        logging.getLogger("verif.cluster").info("verif-train-1: pending (image): ErrImagePull")
flow(lambda: stage(), name="small")()
client, end, found = get_client(sync_client=True), time.monotonic() + 30, []
while not found and time.monotonic() < end:
    found = client.read_logs()
    time.sleep(0.2)
print("page", [(entry.message, entry.task_run_id is not None) for entry in found if "pending" in entry.message])
"""


@pytest.mark.slow
def test_prefects_page_of_the_task_shows_it_and_the_terminal_too(tmp_path: Path, root: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    line = "verif-train-1: pending (image): ErrImagePull"
    assert done.stdout.splitlines() == [line, f"page [('{line}', True)]"], done.stderr[-2000:]
    assert line not in done.stderr
