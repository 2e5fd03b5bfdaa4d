"""Who gets an answer from a server on loopback: its own page with the password, and nobody else."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from flows.gate import BasicAuth

OWN = {"host": "127.0.0.1:5000"}
KNOWS = {"authorization": "Basic " + base64.b64encode(b"verif:secret").decode()}


def ask(headers: dict[str, str], method: str = "GET", path: str = "/x", kind: str = "http") -> Any:
    """Status of the answer, "in" where the application was reached, "closed" for a refused web socket."""
    sent: list[Any] = []

    async def inside(_scope: Any, _receive: Any, _send: Any) -> None:
        sent.append("in")

    async def send(message: Any) -> None:
        sent.append(message.get("status", "closed"))

    async def receive() -> Any:
        raise AssertionError("nobody reads a request that is refused")

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": raw}
    asyncio.run(BasicAuth(inside, 5000, "verif:secret", frozenset({"/health"}))(scope, receive, send))
    return sent[0]


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        (OWN | KNOWS, "in"),
        ({"host": "localhost:5000"} | KNOWS, "in"),
        (OWN | KNOWS | {"origin": "http://127.0.0.1:5000", "sec-fetch-site": "same-origin"}, "in"),
        (OWN, 401),
        (OWN | {"authorization": "Basic " + base64.b64encode(b"verif:other").decode()}, 401),
        (OWN | {"authorization": "Bearer secret"}, 401),
        # Other pages, whose requests a browser sends the remembered password along with.
        (OWN | KNOWS | {"origin": "https://evil.example.org"}, 403),
        (OWN | KNOWS | {"origin": "http://127.0.0.1:8000"}, 403),
        (OWN | KNOWS | {"origin": "http://localhost:5000"}, 403),
        (OWN | KNOWS | {"origin": "null"}, 403),
        (OWN | KNOWS | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        (OWN | KNOWS | {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        (OWN | KNOWS | {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, "in"),
        # Names that only point here.
        ({"host": "evil.example.org:5000"} | KNOWS, 403),
        ({"host": "127.0.0.1:5001"} | KNOWS, 403),
        ({"host": "127.0.0.1"} | KNOWS, 403),
        (KNOWS, 403),
    ],
)  # fmt: skip
def test_only_its_own_page_with_the_password_gets_in(headers: dict[str, str], seen: Any) -> None:
    assert ask(headers) == seen
    assert ask(headers, kind="websocket") == ("closed" if seen != "in" else "in")


def test_a_form_that_another_page_sends_is_no_link() -> None:
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert ask(OWN | KNOWS | followed, method="POST") == 403


def test_a_preflight_of_another_page_is_refused() -> None:
    wanted = {"origin": "https://evil.example.org", "access-control-request-method": "POST"}
    assert ask(OWN | wanted, method="OPTIONS") == 403


def test_health_needs_no_password_but_the_right_name() -> None:
    assert ask(OWN, path="/health") == "in"
    assert ask(OWN, path="/health", method="POST") == 401
    assert ask(OWN, path="/health/x") == 401
    assert ask({"host": "evil.example.org:5000"}, path="/health") == 403
