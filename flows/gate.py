"""Stands in front of a web application on loopback: its own address, its own pages, and the password.

Why all three. Any account of the machine can connect: the password. A browser sends a remembered password along with
requests that *other* pages make: the origin. A page elsewhere may have a name that points here (DNS rebinding), which
makes it the same origin to a browser: the host.

It does not encrypt, and does not hide that a server is there: `open_paths` answer without a password.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BasicAuth:
    """An ASGI application around another one. `line` is `USER:PASSWORD`; empty where the application asks itself."""

    def __init__(
        self, application: Application, port: int, line: str = "", open_paths: frozenset[str] = frozenset()
    ) -> None:
        self.application = application
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self.wanted = b"Basic " + base64.b64encode(line.encode()) if line else b""
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before the application has seen anything of it."""
        refusal = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            await _answer(send, *refusal)

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason, or None for a request that may pass."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in (b"host", b"origin", b"authorization") and name in headers:
                return 400, f"two headers {name.decode('ascii')}"
            headers[name] = value
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self.hosts:
            return 403, "this server has another name"
        if (origin := headers.get(b"origin")) is not None and origin.decode("latin-1") != f"http://{host}":
            return 403, "this page may not ask here"
        if headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin") and not _link(
            scope, headers
        ):
            return 403, "this page may not ask here"
        if scope.get("method") in ("GET", "HEAD") and scope["path"] in self.open_paths:
            return None
        if self.wanted and not hmac.compare_digest(headers.get(b"authorization", b""), self.wanted):
            return 401, "a password is needed: it lies in .verif/services/password"
        return None


def _link(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether a person follows a link: the answer fills the window, and the page it came from does not see it."""
    wanted = headers.get(b"sec-fetch-mode"), headers.get(b"sec-fetch-dest")
    return scope.get("method") == "GET" and wanted == (b"navigate", b"document")


async def _answer(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="verif"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
