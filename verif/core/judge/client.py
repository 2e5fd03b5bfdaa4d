"""A judge behind an OpenAI-compatible API, asked by many rollouts at once.

One connection pool per event loop, adaptive concurrency (`limit`), least-outstanding routing with a circuit
breaker per server (`endpoint`), one deadline per question that covers its retries and really ends the
request. It counts from the question's slot, since a long queue is no failure; but when no server has worked
for that long, nobody waits any more, and questions fail at once until a probe succeeds. Every failure is a
`JudgeError`; what the answer means is not decided here (`verif.core.judge.verdict`). aiohttp, because it is the
client that keeps up at hundreds of connections.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import stamina

from verif.core.judge.endpoint import Endpoint, choose, down_for, soonest
from verif.core.judge.limit import AdaptiveLimit
from verif.core.judge.reply import JudgeAnswer, read
from verif.errors import JudgeError
from verif.system.web import redirected, retry_after

__all__ = ["JudgeAnswer", "JudgeClient"]

log = logging.getLogger("verif.core.judge")

KEY_VARIABLE = "VERIF_JUDGE_API_KEY"
SMALL_KEY_VARIABLE = "VERIF_SMALL_JUDGE_API_KEY"
MAX_ANSWER = 4 << 20
KEEPALIVE_S = 3.0
"""Less than uvicorn's five seconds: a connection that the server is about to close is not used again."""
FIRST_ATTEMPT = 0.6
"""Share of the deadline that the first attempt may use: a hung server leaves time to ask again."""
_MARK = "verif-"


class Again(JudgeError):
    """Worth another attempt. `after` is the wait the server asked for; `healthy` what it says about the server."""

    def __init__(self, message: str, *, healthy: bool | None, after: float = 0.0) -> None:
        super().__init__(message)
        self.healthy, self.after = healthy, after


@dataclass(slots=True)
class _Question:
    """A question on its way. `slow`: a server has it, or let it time out, which is a sign of overload."""

    messages: Sequence[dict[str, str]]
    seed: int
    begun: float
    slow: bool = False


class JudgeClient:
    """Questions to one model on one or more servers.

    `urls` are base URLs ending in `/v1`; `parameters` go into every request (temperature, max_tokens, ...);
    the key comes from the environment variable `key_variable` only, and goes to all of them.
    """

    def __init__(
        self,
        urls: Sequence[str],
        model: str,
        *,
        parameters: dict[str, Any] | None = None,
        deadline_s: float = 60.0,
        start: int = 64,
        highest: int = 1024,
        key_variable: str = KEY_VARIABLE,
    ) -> None:
        if not urls:
            raise JudgeError("no judge URL was given.")
        self.model, self.deadline_s, self.key_variable = model, deadline_s, key_variable
        self.parameters = {"temperature": 0, **(parameters or {})}
        self.endpoints = [Endpoint(url.rstrip("/")) for url in urls]
        self.counts: Counter[str] = Counter()
        self._start, self._highest = start, highest
        self.limit = AdaptiveLimit(start, highest=highest)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:
        """The model's answer, or `JudgeError` after the deadline or a failure that no retry can mend."""
        self._bind()
        await self.limit.acquire()
        question = _Question(messages, seed, time.monotonic())
        news: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self.deadline_s):
                answer = await self._persist(question)
            news = {"seconds": answer.seconds}
            return answer
        except TimeoutError:
            self.counts["deadline"] += 1
            news = {"overloaded": question.slow}
            raise JudgeError(f"the judge gave no answer within {self.deadline_s:g} s.") from None
        except JudgeError:
            self.counts["failed"] += 1
            raise
        finally:
            self.limit.release(**news)

    async def close(self) -> None:
        """Close the connections; the client may be used again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _bind(self) -> None:
        """A session and a limit that belong to the running loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._session is None or self._session.closed:
            if self._loop is not loop:
                self.limit = AdaptiveLimit(int(self.limit.limit), highest=self._highest)
                for endpoint in self.endpoints:
                    endpoint.outstanding, endpoint.probing = 0, False
            self._loop = loop
            key = os.environ.get(self.key_variable, "")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
                headers={
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    **({"Authorization": f"Bearer {key}"} if key else {}),
                },
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(10.0, self.deadline_s)),
            )

    async def _persist(self, question: _Question) -> JudgeAnswer:
        retries = stamina.retry_context(
            on=_wait_before_retry,
            attempts=None,
            timeout=None,
            wait_initial=0.1,
            wait_max=3.0,
            wait_jitter=0.3,
        )
        async for attempt in retries:
            with attempt:
                if attempt.num > 1:
                    self.counts["retries"] += 1
                left = self.deadline_s - (time.monotonic() - question.begun)
                return await self._once(question, left * FIRST_ATTEMPT if attempt.num == 1 else left)
        raise AssertionError("unreachable")

    async def _once(self, question: _Question, seconds: float) -> JudgeAnswer:
        while (endpoint := choose(self.endpoints)) is None:
            if (down := down_for(self.endpoints)) >= self.deadline_s:
                raise JudgeError(f"no judge server has given an answer for {down:.0f} s.")
            await asyncio.sleep(soonest(self.endpoints))
        endpoint.begin()
        self.counts["calls"] += 1
        healthy: bool | None = None
        before, question.slow = question.slow, True  # true if the deadline ends it here
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(endpoint, question.messages, question.seed)
            healthy = True
            return answer
        except (aiohttp.ClientError, OSError) as error:
            healthy = False
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
                self.counts["timeouts"] += 1
                raise Again("the judge hung.", healthy=False) from None
            question.slow = before
            self.counts["broken"] += 1
            raise Again(
                f"the connection to the judge failed: {type(error).__name__} {error}", healthy=False
            ) from None
        except Again as error:
            healthy, question.slow = error.healthy, before
            raise
        except JudgeError:
            raise
        except Exception as error:
            # Whatever a server sends, it is this question's error: an exception would end the whole batch.
            log.exception("the judge's answer could not be read")
            raise JudgeError(f"the judge's answer could not be read ({type(error).__name__}).") from None
        finally:
            endpoint.end(healthy)

    async def _send(self, endpoint: Endpoint, messages: Sequence[dict[str, str]], seed: int) -> JudgeAnswer:
        mark = f"{_MARK}{uuid.uuid4().hex}"
        asked = {"model": self.model, "messages": list(messages), "seed": seed, **self.parameters}
        begun = time.monotonic()
        raw = await self._post(f"{endpoint.url}/chat/completions", asked, mark)
        return _read(raw, mark, time.monotonic() - begun)

    async def _post(self, url: str, asked: dict[str, Any], mark: str) -> bytearray:
        """The body of an answer with status 200, of at most `MAX_ANSWER` bytes; anything else is a `JudgeError`."""
        assert self._session is not None
        body, headers = orjson.dumps(asked), {"X-Request-Id": mark}
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            raw = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    raise Again("the judge's answer is too long.", healthy=None)
            if answer.status != 200:
                self.counts[f"http_{answer.status}"] += 1
                raise self._refusal(answer.status, url, answer.headers, bytes(raw))
        return raw

    def _refusal(self, status: int, url: str, headers: Mapping[str, str], raw: bytes) -> JudgeError:
        if where := redirected(status, url, headers.get("Location", "")):
            return JudgeError(f"the judge did not answer: {where}.", "Is its URL right?")
        if status in (408, 425, 429, 503):
            self.limit.back_off()
            return Again(
                f"the judge is overloaded (HTTP {status}).",
                healthy=None if status == 429 else False,
                after=retry_after(headers.get("Retry-After", ""), 30.0),
            )
        if status >= 500:
            return Again(f"the judge failed (HTTP {status}).", healthy=False)
        hint = f"Is {self.key_variable} set?" if status in (401, 403) else ""
        return JudgeError(
            f"the judge refused the request (HTTP {status}): {raw[:200].decode('utf-8', 'replace')}", hint
        )


def _wait_before_retry(error: Exception) -> bool | float:
    if not isinstance(error, Again):
        return False
    return error.after or True


def _read(raw: bytearray, mark: str, seconds: float) -> JudgeAnswer:
    """The text of a chat completion; anything else that came with status 200 is worth another attempt."""
    try:
        answer, reply_to = read(raw, seconds)
    except ValueError as error:
        raise Again(f"the judge sent no chat completion ({error}).", healthy=None) from None
    if _MARK in reply_to and mark not in reply_to:
        raise Again("the judge answered another request.", healthy=None)
    return answer
