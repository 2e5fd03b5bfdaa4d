"""How many requests a judge gets at once: as many as it can work on, found by watching it.

The limit grows while it is used and latency holds, stays when latency has doubled against the best seen
(the server only queues), and falls when the server says 429 or 503 or times out. Waiters of one owner are
served in the order they came, which keeps requests with a common prefix together; owners take turns.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import OrderedDict, deque
from contextvars import ContextVar

GROW, BACK_OFF, HOLD_AT = 2.0, 0.8, 2.0
GENTLE = 1.1
"""Growth per window after the first sign of overload."""
OWNER: ContextVar[str] = ContextVar("verif_judge_owner", default="")
"""For whom a question is asked. The service sets it by client, so that a long queue of one delays no other."""


class AdaptiveLimit:
    """A semaphore whose size follows the server. One event loop at a time."""

    def __init__(self, start: int = 64, lowest: int = 4, highest: int = 1024) -> None:
        self.limit = float(max(lowest, min(start, highest)))
        self.lowest, self.highest = lowest, highest
        self.in_flight = 0
        self._waiters: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._latencies: list[float] = []
        self._best = float("inf")
        self._growth = GROW
        self._used = False
        self._hold_down = 0

    @property
    def waiting(self) -> int:
        """Callers that wait for a slot."""
        return sum(map(len, self._waiters.values()))

    async def acquire(self) -> None:
        """Wait for a slot."""
        if self.in_flight < int(self.limit) and not self._waiters:
            self.in_flight += 1
            return
        self._used = True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(OWNER.get(), deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._free()  # the slot was handed over in the same moment
            raise

    def release(self, seconds: float | None = None, overloaded: bool = False) -> None:
        """Give a slot back, with the latency of a success or the news that the server was overloaded."""
        if overloaded:
            self.back_off()
        elif seconds is not None:
            self._learn(seconds)
        self._free()

    def _free(self) -> None:
        self.in_flight -= 1
        while self._waiters and self.in_flight < int(self.limit):
            owner, queue = next(iter(self._waiters.items()))
            waiter = queue.popleft()
            if queue:
                self._waiters.move_to_end(owner)
            else:
                del self._waiters[owner]
            if not waiter.done():
                self.in_flight += 1
                waiter.set_result(None)

    def back_off(self) -> None:
        """The server said that it is overloaded."""
        if self._hold_down > 0:
            self._hold_down -= 1  # one overload is reported by every request in flight: count it once
            return
        self.limit = max(float(self.lowest), self.limit * BACK_OFF)
        self._growth, self._hold_down = GENTLE, int(self.limit)
        self._latencies.clear()

    def _learn(self, seconds: float) -> None:
        self._hold_down = max(0, self._hold_down - 1)
        self._latencies.append(seconds)
        if len(self._latencies) < max(8, int(self.limit)):
            return
        middle = statistics.median(self._latencies)
        self._latencies.clear()
        self._best = min(self._best * 1.02, middle)  # a slow drift forgets a lucky first window
        if self._used and middle <= HOLD_AT * self._best:
            self.limit = min(float(self.highest), self.limit * self._growth + 1)
        self._used = bool(self._waiters)
