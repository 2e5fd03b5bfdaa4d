"""One judge server as its client sees it: requests outstanding, health, and a circuit breaker.

After a few failures in a row the breaker opens: for a while nobody asks, then one request probes. A server
that is down costs one request per pause instead of a deadline per rollout.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

FAILURES = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8.0


@dataclass
class Endpoint:
    """An OpenAI-compatible base URL (`http://host:port/v1`) with its state."""

    url: str
    outstanding: int = 0
    failures: int = 0
    open_since: float = 0.0
    open_until: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    probing: bool = False

    @property
    def open(self) -> bool:
        """Whether the breaker is open (the server is believed to be down)."""
        return self.failures >= FAILURES

    def available(self, now: float) -> bool:
        """Whether a request may be sent: breaker closed, or it is time for the one probe."""
        return not self.open or (now >= self.open_until and not self.probing)

    def begin(self) -> None:
        """A request is being sent."""
        self.outstanding += 1
        if self.open:
            self.probing = True

    def end(self, healthy: bool | None) -> None:
        """A request ended: the server worked (True), failed (False), or nothing was learnt (None)."""
        self.outstanding -= 1
        self.probing = False
        if healthy:
            self.failures, self.pause_s = 0, FIRST_PAUSE_S
        elif healthy is False:
            now = time.monotonic()
            if not self.open:
                self.open_since = now
            self.failures += 1
            if self.open:
                self.open_until = now + self.pause_s
                self.pause_s = min(LONGEST_PAUSE_S, self.pause_s * 2)


def choose(endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The available endpoint with the fewest requests outstanding, or None."""
    now = time.monotonic()
    usable = [endpoint for endpoint in endpoints if endpoint.available(now)]
    return min(usable, key=lambda e: e.outstanding) if usable else None


def down_for(endpoints: Sequence[Endpoint]) -> float:
    """Seconds since the last server was given up; 0 while one of them works or is being probed."""
    now = time.monotonic()
    if any(not e.open or e.probing or e.available(now) for e in endpoints):
        return 0.0
    return now - max(e.open_since for e in endpoints)


def soonest(endpoints: Sequence[Endpoint]) -> float:
    """Seconds until the next probe is allowed."""
    return max(0.02, min(e.open_until for e in endpoints) - time.monotonic())
