"""The labelling page over HTTP: on loopback, for whoever has the address that the terminal shows.

The address ends in `#KEY`. A browser sends that part to no server and writes it into no referrer; the page exchanges the
key for a session, once. The session is kept for the tab and travels in a header of its own. So a cookie that other
servers of this machine could read does not exist, and a page from elsewhere can make no request that counts. A name
that points here (DNS rebinding) is refused by the Host header.

It does not encrypt, and protects from nobody who can read your browser's memory, or your screen.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

import orjson

from verif.errors import InputError, SetupError, VerifError
from verif.pipeline.labelling.session import Labelling

SESSION_HEADER = "X-Verif-Session"
MOST_BODY = 1 << 16
MOST_CONNECTIONS = 32
SECONDS = 20.0
STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LabelServer(ThreadingHTTPServer):
    """Answers for one labeller. Its `address` opens the page once."""

    daemon_threads = True

    def __init__(self, labelling: Labelling, port: int = 0) -> None:
        self.labelling = labelling
        self._key: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._static = {
            path: ((files(__package__) / name).read_bytes(), kind) for path, (name, kind) in STATIC.items()
        }
        try:
            super().__init__(("127.0.0.1", port), PageRequest)
        except OSError as error:
            raise SetupError(
                f"port {port} of 127.0.0.1 is not free: {error.strerror}.", "Leave out --port."
            ) from None

    @property
    def address(self) -> str:
        """With the key of the first visit."""
        return f"http://127.0.0.1:{self.server_address[1]}/#{self._key}"

    def hosts(self) -> set[str]:
        """What a browser may call this server."""
        return {f"{name}:{self.server_address[1]}" for name in ("127.0.0.1", "localhost")}

    def static(self, path: str) -> tuple[bytes, str] | None:
        """A file of the page with its type."""
        return self._static.get(path)

    def open(self, key: str) -> str | None:
        """The session, for the first who has the key."""
        with self._lock:
            if self._key is None or not hmac.compare_digest(key.encode(), self._key.encode()):
                return None
            self._key = None
            return self._session

    def known(self, session: str) -> bool:
        """Whether a request comes from the page that was opened."""
        return self._key is None and hmac.compare_digest(session.encode(), self._session.encode())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it if there are too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As above; the place is free again whatever happens."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nobody's fault."""


class PageRequest(BaseHTTPRequestHandler):
    """One request of the page."""

    server: LabelServer
    server_version, sys_version = "verif", ""
    timeout = SECONDS

    def do_GET(self) -> None:
        """The page's files, which hold nothing of the rows."""
        if self._refused():
            return
        page_file = self.server.static(self.path)
        if page_file is None:
            self._error(404, "there is no such page")
        else:
            self._send(200, *page_file)

    def do_POST(self) -> None:
        """`/open` gives the session for the key; `/show` and `/label` want the session."""
        if self._refused():
            return
        try:
            asked = self._body()
            if self.path == "/open":
                self._open(asked)
            elif not self.server.known(self.headers.get(SESSION_HEADER, "")):
                self._error(
                    401, "this address was used already. End `verif label` and start it again for a new one."
                )
            else:
                self._labelling(asked)
        except InputError as error:
            self._error(400, str(error))
        except VerifError as error:
            self._error(500, str(error))

    def _open(self, asked: dict[str, Any]) -> None:
        session = self.server.open(_text(asked, "key"))
        if session is None:
            self._error(
                401, "this address was used already. End `verif label` and start it again for a new one."
            )
        else:
            self._json(200, {"session": session})

    def _labelling(self, asked: dict[str, Any]) -> None:
        labelling = self.server.labelling
        if self.path == "/show":
            self._json(200, labelling.show(_number(asked, "at") if "at" in asked else None))
        elif self.path == "/label":
            label, note = _text(asked, "label"), _text(asked, "note")
            self._json(200, labelling.label(_number(asked, "at"), _text(asked, "key"), label, note))
        else:
            self._error(404, "there is no such page")

    def _refused(self) -> bool:
        host = (self.headers.get("Host") or "").lower()
        origin = self.headers.get("Origin")
        if host not in self.server.hosts() or (origin is not None and origin != f"http://{host}"):
            self._error(403, "this server has another name")
            return True
        return False

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= MOST_BODY):
            raise InputError(f"a request has at most {MOST_BODY:,} bytes, and says how many.")
        try:
            value = orjson.loads(self.rfile.read(int(length)))
        except orjson.JSONDecodeError:
            raise InputError("a request is JSON.") from None
        if not isinstance(value, dict):
            raise InputError("a request is a JSON object.")
        return value

    def _error(self, status: int, problem: str) -> None:
        self.close_connection = True
        self._json(status, {"error": problem})

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._send(status, orjson.dumps(value), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: requests say nothing that the labels do not."""


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} must be text.")
    return value


def _number(asked: dict[str, Any], name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} must be a whole number.")
    return value


@contextmanager
def serving(labelling: Labelling, port: int = 0) -> Iterator[LabelServer]:
    """The page, for the length of the block."""
    with LabelServer(labelling, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
