"""The page's server: nothing without the key, the key once, nothing for other names, everything bounded."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.labelled_rows import rows_file, to_label

from verif.errors import SetupError
from verif.pipeline.labelling.labels import label_file, read_labels
from verif.pipeline.labelling.server import MOST_BODY, MOST_CONNECTIONS, SESSION_HEADER, LabelServer, serving
from verif.pipeline.labelling.session import Labelling


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LabelServer]:
    questions = to_label(rows_file(tmp_path)).ordered(0, "anna")
    with label_file(tmp_path / "l", "anna") as kept, serving(Labelling(questions, kept)) as running:
        yield running


def ask(
    server: LabelServer, path: str, body: Any = None, session: str = "", method: str = "POST", **headers: str
) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
    given = {SESSION_HEADER: session, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, content if method == "POST" else None, given)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text[:1] == b"{" else text, answer.headers


def opened(server: LabelServer) -> str:
    status, told, _ = ask(server, "/open", {"key": server.address.partition("#")[2]})
    assert status == 200
    return str(told["session"])


def test_it_listens_on_loopback_and_its_files_hold_nothing_of_the_rows(server: LabelServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    for path in ("/", "/page.js", "/page.css"):
        status, body, headers = ask(server, path, method="GET")
        assert status == 200
        assert b"boat" not in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/labels", "/../labels.py", "/page.js/../server.py", "//etc/passwd"):
        assert ask(server, path, method="GET")[0] == 404


def test_the_key_opens_once_and_nothing_is_told_without_a_session(
    server: LabelServer, tmp_path: Path
) -> None:
    for session in ("", "x"):
        assert ask(server, "/show", session=session)[0] == 401
    assert ask(server, "/open", {"key": "wrong"})[0] == 401
    session = opened(server)
    status, told, _ = ask(server, "/open", {"key": server.address.partition("#")[2]})
    assert (status, "used already" in told["error"]) == (401, True)
    assert ask(server, "/show", session=session)[0] == 200
    assert ask(server, "/label", {"at": 0, "key": "k", "label": "pass", "note": ""})[0] == 401
    assert read_labels(tmp_path / "l") == {"anna": {}}


def test_a_page_from_elsewhere_and_another_name_are_refused(server: LabelServer) -> None:
    session = opened(server)
    port = server.server_address[1]
    for headers in ({"Host": f"evil.example:{port}"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert ask(server, "/show", session=session, **headers)[0] == 403
    assert (
        ask(server, "/show", session=session, Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0]
        == 200
    )


def test_a_label_is_on_the_disk_before_the_next_question_comes(server: LabelServer, tmp_path: Path) -> None:
    session = opened(server)
    _, first, _ = ask(server, "/show", session=session)
    body = {"at": first["at"], "key": first["question"]["key"], "label": "fail", "note": "rude"}
    status, second, _ = ask(server, "/label", body, session)
    assert (status, second["at"], second["done"]) == (200, 1, 1)
    kept = read_labels(tmp_path / "l")["anna"][first["question"]["key"]]
    assert (kept.label, kept.note) == ("fail", "rude")
    _, back, _ = ask(server, "/show", {"at": 0}, session)
    assert back["label"] == {"label": "fail", "note": "rude"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no", "is JSON"),
        (b"[]", "JSON object"),
        (b"[" * 30_000, "is JSON"),
        (b'{"at": "0"}', "at must be a whole number"),
        (b'{"at": true}', "at must be a whole number"),
        (b'{"at": ' + b"9" * 400 + b"}", ""),
        (b"\xff", "is JSON"),
        (b"x" * (MOST_BODY + 1), "at most 65,536 bytes"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(server: LabelServer, body: bytes, problem: str) -> None:
    status, told, _ = ask(server, "/show", body, opened(server))
    assert status == 400
    assert problem in told["error"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"label": "maybe"}, "pass, fail or unknown"),
        ({"key": "other"}, "another question"),
        ({"at": 99}, "another question"),
        ({"at": -1}, "another question"),
        ({"note": "x" * 2_001}, "at most 2,000 characters"),
        ({"note": 3}, "note must be text"),
    ],
)
def test_what_is_no_label_is_not_kept(
    server: LabelServer, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    session = opened(server)
    _, first, _ = ask(server, "/show", session=session)
    body = {"at": 0, "key": first["question"]["key"], "label": "pass", "note": "", **change}
    status, told, _ = ask(server, "/label", body, session)
    assert status == 400
    assert problem in told["error"]
    assert read_labels(tmp_path / "l") == {"anna": {}}


@pytest.mark.slow
def test_too_many_connections_are_closed_and_the_rest_is_served(server: LabelServer) -> None:
    waiting = [socket.create_connection(server.server_address[:2], 5) for _ in range(MOST_CONNECTIONS)]
    try:
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            ask(server, "/", method="GET")
    finally:
        for connection in waiting:
            connection.close()
    for _ in range(100):
        try:
            assert ask(server, "/", method="GET")[0] == 200
            return
        except ConnectionError:
            continue
    raise AssertionError("the places are not free again")


def test_a_port_that_is_taken_is_said(server: LabelServer) -> None:
    with pytest.raises(SetupError, match="is not free"):
        LabelServer(server.labelling, server.server_address[1])
