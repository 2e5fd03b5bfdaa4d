"""One retry policy for all that the API server is asked: what heals is waited out, what it refuses is raised at once.

5xx, 429 and a broken connection heal, for `outage_s`, and an outage of some seconds is said. A 401 has the credentials
loaded again, once. A 401 or 403 that follows an outage or an earlier success is doubted for `refused_s`: right after
its start an API server knows no roles yet (seen: 403 for half a second, 503 for RayJobs for some more).
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import stamina
from kubernetes_asyncio import client

from verif.cluster.quota import hint
from verif.errors import ClusterError

log = logging.getLogger("verif.cluster")
T = TypeVar("T")
RIGHTS = re.compile(r"\bcannot \w+ (resource|path)\b")
"""How the API server refuses when rights are missing; a quota, a policy or a webhook answers 403 in other words."""


class ApiRefused(ClusterError):
    """The API server said no; `status` is its HTTP status, the message its own reason."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(f"the cluster refused ({status}): {message}", hint)
        self.status, self.reason = status, message


class Unreachable(ClusterError):
    """The API server could not be reached for longer than the client's patience."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: how long an outage is waited out, when it is said, how long a sudden 401 or 403 is doubted."""

    outage_s: float = 600.0
    say_s: float = 5.0
    refused_s: float = 60.0


def told(error: BaseException) -> str:
    """The server's own sentence, or what became of the connection."""
    if isinstance(error, client.ApiException):
        try:
            return str(json.loads(error.body or "{}")["message"])
        except (TypeError, ValueError, KeyError):
            return str(error.reason or error.status)
    return str(error) or {"TimeoutError": "no answer in time"}.get(type(error).__name__, type(error).__name__)


def _heals(error: Exception) -> bool:
    if isinstance(error, client.ApiException):
        return error.status in (None, 0, 429) or error.status >= 500
    return isinstance(error, aiohttp.ClientError | TimeoutError | OSError)


def _no_rights(error: Exception) -> bool:
    if not isinstance(error, client.ApiException) or error.status not in (401, 403):
        return False
    return error.status == 401 or not error.body or RIGHTS.search(told(error)) is not None


class Calls:
    """The calls of one client: `await calls(function)`. `renew` loads the credentials again; None where it cannot help."""

    def __init__(
        self,
        limits: Limits,
        renew: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self.renew, self.clock = limits, renew, clock
        self.renewed = self.answered = self.said = False
        self.down_since: float | None = None
        self.refused_since: float | None = None
        self.last_outage: float | None = None

    async def __call__(self, function: Callable[[], Awaitable[T]]) -> T:
        """What the function gives, sooner or later. Raises `ApiRefused` or `Unreachable`, with the server's sentence."""
        begun, limits = self.clock(), self.limits
        try:
            async for attempt in stamina.retry_context(
                on=lambda error: self._again(error, begun),
                attempts=None,
                timeout=limits.outage_s,
                wait_initial=0.2,
                wait_max=15.0,
            ):
                with attempt:
                    return await self._once(function)
        except client.ApiException as error:
            if _heals(error):
                words = (
                    f"the API server kept failing ({error.status}) for {limits.outage_s:.0f} s: {told(error)}"
                )
                raise Unreachable(f"{words.rstrip('.')}.") from error
            fix = "Log in to the cluster, then run again." if error.status == 401 else hint(told(error))
            raise ApiRefused(error.status, told(error), fix) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(
                f"the API server was unreachable for {limits.outage_s:.0f} s: {told(error)}"
            ) from error
        raise AssertionError("unreachable")

    async def _once(self, function: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await function()
        except client.ApiException as error:
            if error.status == 404:
                self._well()  # an answer like any other
            if error.status != 401 or self.renew is None or self.renewed:
                raise
            self.renewed = True
            await self.renew()
            log.info("the API server wanted new credentials (401); they were loaded again")
            answer = await function()
        self._well()
        return answer

    def _well(self) -> None:
        if self.said and self.down_since is not None:
            log.info("the API server answers again, after %.0f s", self.clock() - self.down_since)
        self.answered, self.renewed, self.said = True, False, False
        self.down_since = self.refused_since = None

    def _again(self, error: Exception, begun: float) -> bool | float:
        now, limits = self.clock(), self.limits
        if _heals(error):
            self.last_outage = now
            self.down_since = begun if self.down_since is None else self.down_since
            if not self.said and now - self.down_since >= limits.say_s:
                self.said = True
                log.warning(
                    "the API server does not answer (for %.0f s; waiting up to %.0f s): %s",
                    now - self.down_since,
                    limits.outage_s,
                    told(error),
                )
            return True
        if not _no_rights(error):
            return False
        after_outage = self.last_outage is not None and now - self.last_outage < limits.refused_s
        if not after_outage and (self.renewed or not self.answered):
            return False
        if self.refused_since is None:
            self.refused_since = now
            log.warning(
                "the API server suddenly refuses (trying for up to %.0f s): %s", limits.refused_s, told(error)
            )
        return min(0.5, limits.refused_s / 4) if now - self.refused_since < limits.refused_s else False
