"""Bodies on their way in: bounded in bytes and in time, and nobody keeps the others out by sending slowly.

A body holds a place of its declared length from its first byte to its last. Small bodies have places of their own,
so that a few long ones never refuse the many short. When there is no place, a body that crawls gives way to the next;
one that sends nothing for a while is refused in any case.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from starlette.requests import Request

from verif.service.limits import SLOW_RATE, SLOW_S, STALLED_S
from verif.service.places import Places

SMALL = 64
"""A body of at most this part of all that may be read at once is a small one."""


class Refused(Exception):
    """A body that is not read (to its end), with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(eq=False)
class _Body:
    client: str
    size: int
    places: Places
    limit: asyncio.Timeout
    begun: float = field(default_factory=time.monotonic)
    got: int = 0
    gone: bool = False

    def crawls(self) -> bool:
        """Whether it has been here for a while and sends next to nothing."""
        age = time.monotonic() - self.begun
        return not self.gone and age > SLOW_S and self.got < SLOW_RATE * age

    def leave(self) -> None:
        """Give the place back, once."""
        if not self.gone:
            self.gone = True
            self.places.give(self.client, self.size)


class Reading:
    """All bodies that are being read. `longest` bounds one of them, `most` all large ones, `seconds` each."""

    def __init__(self, longest: int, most: int, seconds: float) -> None:
        self.longest, self.most, self.seconds = longest, most, seconds
        self._small, self._large = Places(most), Places(most)
        self._bodies: set[_Body] = set()

    @property
    def bytes(self) -> int:
        """Declared bytes of what is being read."""
        return self._small.held + self._large.held

    async def read(self, request: Request, client: str) -> bytearray:
        """The whole body, or `Refused`: 413 too long, 408 too slow, 429 no place."""
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isdecimal() and len(declared) < 20 else self.longest
        if size > self.longest:
            raise Refused(413, f"the body is longer than {self.longest} bytes")
        places = self._small if size <= self.most // SMALL else self._large
        self._make_room(places, client, size)
        if not places.fits(client, size):
            raise Refused(429, f"{self.bytes} bytes are being read")
        places.take(client, size)
        body = _Body(client, size, places, asyncio.timeout(None))
        self._bodies.add(body)
        try:
            return await self._all(request, body)
        except TimeoutError:
            raise Refused(
                408, f"the body took longer than {self.seconds:g} s, or sent too little for too long"
            ) from None
        finally:
            self._bodies.discard(body)
            body.leave()

    async def _all(self, request: Request, body: _Body) -> bytearray:
        content, loop = bytearray(), asyncio.get_running_loop()
        moved = loop.time()
        end = moved + self.seconds
        body.limit = asyncio.timeout_at(min(end, moved + STALLED_S))
        async with body.limit:
            async for chunk in request.stream():
                content += chunk
                body.got = len(content)
                if body.got > self.longest:
                    raise Refused(413, f"the body is longer than {self.longest} bytes")
                now = loop.time()
                if chunk and not body.gone and now - moved > STALLED_S / 20:
                    moved = now
                    body.limit.reschedule(min(end, now + STALLED_S))
        return content

    def _make_room(self, places: Places, client: str, size: int) -> None:
        """Send away those that crawl, of the client that holds most first, until there is room."""
        crawling = [body for body in self._bodies if body.places is places and body.crawls()]
        crawling.sort(key=lambda body: (places.of(body.client), body.size))
        while crawling and not places.fits(client, size):
            body = crawling.pop()
            body.leave()
            body.limit.reschedule(asyncio.get_running_loop().time())
