"""A checker behind a URL: each question is the body of a POST, its answer the body of the reply."""

from __future__ import annotations

import base64
import http.client
import json
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from verif.errors import InputError

MOST = 1 << 20
"""Bytes of a reply."""


class Url:
    """A server that answers; a connection that broke is made again with the next question."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.printed = 0
        self.timeout_s = timeout_s
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host:
            raise InputError(f"{url[:80]!r} is no URL with a host", hint="Write http://HOST:PORT/PATH.")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(host, port, timeout=timeout_s)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json"}
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        self._name = f"{parts.scheme}://{host}{self._path}"
        self._answered = False

    def ask(self, question: dict[str, Any]) -> tuple[str, Any]:
        """See `verif.audit.conform.targets.AskedTarget`."""
        try:
            body = json.dumps(question).encode()
            self._connection.request("POST", self._path, body=body, headers=self._headers)
            reply = self._connection.getresponse()
            content = self._read(reply)
        except TimeoutError:
            self._connection.close()
            return "hung", f"no answer within {self.timeout_s:g} s"
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            why = str(error) or type(error).__name__
            if not self._answered:
                raise InputError(f"{self._name} does not answer: {why}") from None
            return "ended", why[:300]
        self._answered = True
        if content is None:
            self._connection.close()
            return "raised", f"the reply is longer than {MOST >> 10} kB"
        if reply.status != http.client.OK:
            return "raised", f"status {reply.status}"
        try:
            return "answer", json.loads(content)
        except (ValueError, RecursionError):
            return "raised", "the reply is no JSON"

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _read(self, reply: http.client.HTTPResponse) -> bytes | None:
        """The body, or None if it is too long; a server that sends a byte now and then is out of time, too."""
        end, content = time.monotonic() + self.timeout_s, b""
        while chunk := reply.read1(65_536):
            content += chunk
            if len(content) > MOST:
                return None
            if time.monotonic() > end:
                raise TimeoutError
        return content
