"""Leases: one service for all who need it, found again after any death, gone when nobody needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.harness import item, recipe

from verif.errors import ServiceError
from verif.project import Stage
from verif.service import lease as leases
from verif.service import users
from verif.service.build import identity_of
from verif.service.lease import configure, end, living, verifier
from verif.system.files import write_json
from verif.system.processes import started
from verif.system.serving import check_model, check_port, free_port

USER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from benchmarks.standins import recipe
from verif.service.lease import verifier
from verif.project import Stage
with verifier(Stage(Path(sys.argv[2]), recipe(judge="none"), Path("x"))) as endpoint:
    print(endpoint.url, flush=True)
    time.sleep(1000)
"""


STANDIN = """
import http.server, sys, time
stalls, ready, lives = int(sys.argv[1]), sys.argv[2] == "ready", float(sys.argv[3])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global stalls
        if self.path == "/health" and stalls > 0:
            stalls -= 1
            time.sleep(1000)
        self.send_response(200 if ready or self.path == "/health" else 503)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
import threading
threading.Thread(target=server.serve_forever, daemon=True).start()
time.sleep(lives)
"""


@contextmanager
def found_service(stage: Stage, stalls: int, ready: str, lives: float) -> Iterator[str]:
    """A process that holds the stage's lease, stalls so many `/health` and ends after so many seconds."""
    line = [sys.executable, "-c", STANDIN, str(stalls), ready, str(lives)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = f"http://127.0.0.1:{int(process.stdout.readline())}"
    config = configure(stage)
    held = {
        "identity": identity_of(config.recipe, config.judge_model),
        "pid": process.pid,
        "started": started(process.pid),
        "url": url,
    }
    write_json(config.folder / "lease.json", held)
    try:
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("VERIF_IDLE_S", "2")
    found = Stage(tmp_path, recipe(judge="none"), tmp_path)
    yield found
    lease = living(configure(found).folder)
    if lease:
        end(lease)


def alive(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def gone_within(url: str, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if not alive(url):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_shared_then_gone(stage: Stage) -> None:
    with verifier(stage) as one:
        with verifier(stage) as two:
            assert two == one
        with urllib.request.urlopen(f"{one.url}/v1/identity", timeout=5) as answer:
            assert json.load(answer)["identity"] == one.identity
        time.sleep(3)
        assert alive(one.url), "a service with a user does not end"
    assert gone_within(one.url, 15)
    limit = time.monotonic() + 10
    while living(configure(stage).folder) is not None:
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_user_does_not_count_and_leaves_the_service_to_others(stage: Stage) -> None:
    line = [sys.executable, "-c", USER, str(Path(__file__).parents[2]), str(stage.root)]
    user = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    folder = configure(stage).folder / "users"
    assert users.count(folder) == 1
    user.kill()
    user.wait()
    assert users.count(folder) == 0
    with verifier(stage) as endpoint:
        assert endpoint.url == url, "the service outlived the user that started it"
    assert gone_within(url, 15)


@pytest.mark.slow
def test_a_killed_service_is_replaced_and_a_reused_pid_is_not_mistaken(stage: Stage) -> None:
    with verifier(stage) as first:
        lease = living(configure(stage).folder)
        assert lease is not None
        os.kill(lease["pid"], 9)
        assert gone_within(first.url, 5)
        with verifier(stage) as second:
            assert second.url != first.url
            assert second.identity == first.identity
    path = configure(stage).folder / "lease.json"
    path.write_text(
        json.dumps({"pid": os.getpid(), "started": 1.0, "identity": "x", "url": "http://127.0.0.1:9"})
    )
    assert living(path.parent) is None
    assert not path.exists()


@pytest.mark.slow
def test_a_service_that_ends_while_it_is_waited_for_is_started_again(stage: Stage) -> None:
    with found_service(stage, 0, "not yet", 2.0) as ending, verifier(stage) as endpoint:
        assert endpoint.url != ending
        assert alive(endpoint.url)


@pytest.mark.slow
def test_a_shared_service_that_stalls_for_a_while_is_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEALTH_S", 0.5)
    with found_service(stage, 2, "ready", 60) as stalled, verifier(stage) as endpoint:
        assert endpoint.url == stalled
        assert alive(stalled)


@pytest.mark.slow
def test_a_service_that_never_answers_is_replaced(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEALTH_S", 0.5)
    with found_service(stage, 10**6, "ready", 60) as hung, verifier(stage) as endpoint:
        assert endpoint.url != hung


@pytest.mark.slow
def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    model = tmp_path / "models" / "judge"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    stage = Stage(tmp_path, recipe(), tmp_path)
    started = time.monotonic()
    with pytest.raises(ServiceError, match="no tokenizer"), verifier(stage):
        pass
    assert time.monotonic() - started < 30


def test_ports_and_models_are_checked_first(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Exception, match="cannot be used"):
            check_port(taken.getsockname()[1])
    check_port(free_port())
    with pytest.raises(ServiceError, match="does not exist"):
        check_model(tmp_path / "nothing")


@pytest.mark.slow
def test_commands(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from verif.cli import verifier as command

    with verifier(stage) as endpoint:
        command.status(root=stage.root, as_json=True)
        shown = json.loads(capsys.readouterr().out)
        assert shown["url"] == endpoint.url
        assert shown["users"] == 1
        command.logs(root=stage.root, lines=5)
        command.down(root=stage.root)
        assert "1 verifier service ended" in capsys.readouterr().out
        assert not alive(endpoint.url)
    assert item(1, "x").id == "1"


@pytest.mark.slow
def test_a_service_that_somebody_else_keeps_is_used_if_it_is_the_right_one(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with verifier(stage) as kept:
        elsewhere = tmp_path / "pod"
        elsewhere.mkdir()
        monkeypatch.setenv("VERIF_VERIFIER_URL", kept.url)
        monkeypatch.setenv("VERIF_START_S", "2")
        with verifier(Stage(elsewhere, recipe(judge="none"), elsewhere)) as found:
            assert found == kept
        assert living(configure(Stage(elsewhere, recipe(judge="none"), elsewhere)).folder) is None
        other = Stage(elsewhere, recipe(judge="none", formula="product"), elsewhere)
        with pytest.raises(ServiceError, match=r"is verifier \w+, but the recipe needs \w+"), verifier(other):
            pass
        monkeypatch.setenv("VERIF_VERIFIER_URL", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(ServiceError, match="was not ready within 2 s"), verifier(stage):
            pass
