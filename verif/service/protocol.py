"""The HTTP connections of the service: heads are short and come soon, readers read, and no peer takes them all.

uvicorn bounds neither the size of a head nor the time until it is there (with httptools), nor how long it waits for a
client that does not read its answer. Here a connection that sends more than `MAX_HEAD` bytes beside its bodies, or
waits for longer than `HEAD_S` with half a head, or takes nothing for `WRITE_S`, is closed; a peer that has its share of
connections open gets no more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

MAX_HEAD = 64 << 10
"""Bytes of request line and header fields, and of what a chunked body adds to its bytes."""
HEAD_S = 10.0
WRITE_S = 60.0
MAX_CONNECTIONS = 8192
"""Of all peers, where the system allows so many files; a peer may have three quarters of them."""


def protocol(most: int = MAX_CONNECTIONS) -> type[asyncio.Protocol]:
    """The class of the connections of one service, of which there may be `most`."""
    peers: Counter[str] = Counter()
    share = max(1, most * 3 // 4)
    counts = hasattr(AutoHTTPProtocol, "on_message_begin")  # h11 bounds heads itself

    class Guarded(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        """One connection."""

        _head_timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None
        _peer = ""
        _fed = _taken = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._peer = self.client[0] if self.client else ""
            peers[self._peer] += 1
            if peers[self._peer] > share:
                transport.abort()
                return
            self._head_timer = self.loop.call_later(HEAD_S, transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            peers[self._peer] -= 1
            if peers[self._peer] <= 0:
                del peers[self._peer]
            self._head_timer = _off(self._head_timer)
            self._write_timer = _off(self._write_timer)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            first = max(0, MAX_HEAD - self._fed) if counts else 0
            for piece in (data[:first], data[first:]):
                if not piece or self.transport.is_closing():
                    continue
                self._fed += len(piece)
                super().data_received(piece)
                if counts and self._fed - self._taken > MAX_HEAD + 8 * self._taken:
                    self._refuse()
            asked = self.cycle is not None and not self.cycle.response_complete
            if asked:
                self._head_timer = _off(self._head_timer)
            elif self._head_timer is None and not self.transport.is_closing():
                self._head_timer = self.loop.call_later(HEAD_S, self.transport.abort)

        def on_message_begin(self) -> None:
            """A new request (httptools)."""
            self._fed = self._taken = 0
            super().on_message_begin()

        def on_body(self, body: bytes) -> None:
            """A piece of a body (httptools)."""
            self._taken += len(body)
            super().on_body(body)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._write_timer = self._write_timer or self.loop.call_later(WRITE_S, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._write_timer = _off(self._write_timer)

        def _refuse(self) -> None:
            if self.cycle is None or not self.cycle.response_started:
                self.transport.write(
                    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
            self.transport.close()

    return Guarded


def _off(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer; what stands in its place."""
    if timer is not None:
        timer.cancel()
    return None
