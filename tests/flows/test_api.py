"""The API of one run: there when it is needed, gone with the process that wanted it, `kill -9` included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from flows.api import RunApi
from verif.errors import ServiceError

pytestmark = pytest.mark.slow

RUN = """
import os, sys, time
from pathlib import Path
from verif.cli.run import prefect_environment
os.environ.update(prefect_environment(Path.cwd()))
from flows.api import RunApi
api = RunApi(Path.cwd())
api.wait()
from prefect import flow, task
from prefect.client.orchestration import get_client
seen = flow(lambda: task(lambda: 42)(), name="small")()
runs = get_client(sync_client=True).read_flow_runs()
print(api.process.pid, seen, [run.state_name for run in runs], flush=True)
if sys.argv[1] == "stay":
    time.sleep(600)
"""


def begin(folder: Path, how: str, root: Path) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {"PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, how], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("how", ["end", "stay"])
def test_the_api_records_the_run_and_ends_with_it(tmp_path: Path, root: Path, how: str) -> None:
    run = begin(tmp_path, how, root)
    assert run.stdout is not None
    said = run.stdout.readline()
    pid = int(said.split()[0])
    assert said.split(maxsplit=1)[1].strip() == "42 ['Completed']"
    server = psutil.Process(pid) if how == "stay" else None
    if server is not None:
        assert server.is_running()
        run.send_signal(signal.SIGKILL)
    begun = time.monotonic()
    assert run.wait(60) == (0 if how == "end" else -signal.SIGKILL)
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() - begun < 30, "the server outlived its run"
        time.sleep(0.1)


def test_it_answers_to_its_run_and_to_nobody_else(tmp_path: Path, root: Path) -> None:
    """Another account of the machine, a page in the browser, a name that only points here."""
    run = begin(tmp_path, "stay", root)
    try:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline().split()[0]))
        places = {c.laddr for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        (place,) = places
        assert place.ip == "127.0.0.1"
        url, own = f"http://127.0.0.1:{place.port}/api/flows/filter", f"http://127.0.0.1:{place.port}"
        assert requests.post(url, json={}, timeout=30).status_code == 401
        assert requests.post(url, json={}, auth=("run", "guess"), timeout=30).status_code == 401
        password = server.environ()["PREFECT_SERVER_API_AUTH_STRING"].split(":")
        known = {"auth": (password[0], password[1]), "json": {}, "timeout": 30}
        assert requests.post(url, **known).status_code == 200
        assert requests.post(url, headers={"Origin": own}, **known).status_code == 200
        for headers in (
            {"Origin": "https://evil.example.org"},
            {"Origin": "null"},
            {"Host": "evil.example.org"},
        ):
            answer = requests.post(url, headers=headers, **known)
            assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (403, False)
        preflight = {"Origin": "https://evil.example.org", "Access-Control-Request-Method": "POST"}
        assert requests.options(url, headers=preflight, timeout=30).status_code == 403
        assert not [p.cmdline() for p in psutil.Process(run.pid).children(recursive=True)
                    if password[1] in " ".join(p.cmdline())]  # fmt: skip
    finally:
        run.kill()
        run.wait()


def test_a_server_that_ends_is_an_error_that_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("PREFECT_HOME", "/dev/null/nowhere")
    api = RunApi(tmp_path)
    with pytest.raises(ServiceError, match=r"Prefect's API ended.*server\.log"):
        api.wait()
    assert api.log.read_text()
