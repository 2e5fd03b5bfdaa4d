"""Which service is shared and which is replaced, without starting any."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.harness import recipe

from verif.errors import ServiceError
from verif.project import Stage
from verif.service import lease as leases
from verif.service import users
from verif.service.lease import configure, ensure
from verif.system.processes import started


@pytest.mark.parametrize(
    ("identity", "healthy", "kept"), [("mine", True, True), ("other", True, False), ("mine", False, False)]
)
def test_only_a_service_of_the_same_identity_that_answers_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str, healthy: bool, kept: bool
) -> None:
    done: list[str] = []
    held: dict[str, Any] = {"identity": identity, "url": "http://127.0.0.1:9", "pid": 1, "started": 0.0}
    monkeypatch.setattr(leases, "living", lambda folder: held)
    monkeypatch.setattr(leases, "_healthy", lambda folder, lease: healthy)
    monkeypatch.setattr(leases, "end", lambda lease: done.append("ended"))
    monkeypatch.setattr(leases, "_start", lambda config: done.append("started"))
    monkeypatch.setattr(leases, "_wait_ready", lambda config, process: "http://127.0.0.1:9")
    assert ensure(configure(Stage(tmp_path, recipe(judge="none"), tmp_path)), "mine")
    assert done == ([] if kept else ["ended", "started"])


def test_a_reused_pid_is_neither_a_user_nor_a_service(tmp_path: Path) -> None:
    began = started(os.getpid())
    assert began is not None
    assert users.lives(os.getpid(), began)
    assert not users.lives(os.getpid(), began - 60)
    users.add(tmp_path)
    (tmp_path / f"{os.getpid()}-{began - 60:.2f}-0badcafe").touch()
    assert users.count(tmp_path) == 1


@pytest.mark.slow
def test_a_service_that_never_gives_a_verdict_is_reported_with_its_own_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that answers in a code fence is up: what is wrong with it must be on the screen."""
    why = "no verdict from the judge: the judge put its answer into a code fence, where none is read"

    class NotReady(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"ready": False, "problem": why}).encode()
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), NotReady)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    held = {"url": f"http://127.0.0.1:{server.server_port}"}
    monkeypatch.setattr(leases, "living", lambda folder: held)
    monkeypatch.setenv("VERIF_START_S", "0.1")
    try:
        with pytest.raises(ServiceError, match=f"not ready in time: {why}"):
            leases._wait_ready(configure(Stage(tmp_path, recipe(judge="none"), tmp_path)), None)
    finally:
        server.shutdown()
        server.server_close()
