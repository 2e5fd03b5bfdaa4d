"""In front of a real server: a proxy whose faults a test can choose."""

from __future__ import annotations

import contextlib
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NEWER = ("logged-models", "traces", "webhooks", "scorers", "assessments", "gateway", "server-info")
"""Addresses that an MLflow server before 3 does not know."""


class Proxy(ThreadingHTTPServer):
    """In front of a real MLflow: from the n-th POST to a path on, `fault` is what the client sees.

    To what MLflow 3 brought it answers as an older server does: there is no such address.
    refuse: 500, and nothing is forwarded. hang: it is forwarded, and answered after the client has given up.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.target, self.fault, self.path, self.left = target, "", "", 0

    def breaks(self, fault: str, path: str, nth: int) -> None:
        self.fault, self.path, self.left = fault, path, nth


class Forward(BaseHTTPRequestHandler):
    def forward(self) -> None:
        proxy, fault = self.server, ""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.fault and self.command == "POST" and self.path.endswith(proxy.path):
            proxy.left -= 1
            fault = proxy.fault if proxy.left <= 0 else ""
        if any(f"/mlflow/{name}" in self.path for name in NEWER):
            self.answer(404, b"<!doctype html><title>404 Not Found</title>")
            return
        if fault == "refuse":
            self.answer(500, b"{}")
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        target = urllib.request.Request(proxy.target + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(target, timeout=60) as found:
                status, data = found.status, found.read()
        except urllib.error.HTTPError as error:
            status, data = error.code, error.read()
        if fault == "hang":
            time.sleep(8)
        self.answer(status, data)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = forward

    def answer(self, status: int, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has given up
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass
