"""The typed client of the verifier service: the same `verify` as in process, and nothing gets lost.

A stream that is cut, a service that restarts, a 429: what has no verification yet is asked again, until
`patience_s` has passed without an answer; then the rest comes back as errors, never as rewards. A service
that answers under another identity than before is refused: its rewards would not be comparable. So is one whose
answers cannot be (`believing`), whose stream has no end, or which sends the token elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import aiohttp
import orjson
from pydantic import ValidationError

from verif.core.arriving import arriving
from verif.errors import InputError, ServiceError
from verif.service.believing import Believer
from verif.service.config import TOKEN_VARIABLE
from verif.service.portions import body_of, portions
from verif.system.web import redirected, retry_after
from verif.types import Item, Reward, Verification

MAX_LINE, MAX_ANSWER = 8 << 20, 256 << 20
"""Bytes of one verification and of an answer; an honest service stays far below."""
CONNECTIONS = 512
ASK_S = 60.0
"""For a short question (identity, metrics) until its whole answer is there."""
IDENTITY_HEADER, ASIDE_HEADER = "X-Verif-Identity", "X-Verif-Aside"
"""The second is sent by who asks about a run without being part of it: such answers are counted apart."""


class VerifierClient:
    """A client of one service. Usable from one event loop after another; `close` it in the loop that used it.

    Without a `token` the one in the environment is used (`VERIF_VERIFIER_TOKEN`); "" sends none. What is asked `aside`
    (a watch's second opinion) is no reward, and the service counts it apart.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        patience_s: float = 300.0,
        identity: str = "",
        parallel: int = 64,
        aside: bool = False,
    ) -> None:
        self.url, self.patience_s, self.expected = url.rstrip("/"), patience_s, identity
        self._token = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        self._parallel, self._aside = parallel, aside
        self._believer = Believer(self.url)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def verify(
        self, items: Sequence[Item], *, cache: bool = True, complete: bool = False
    ) -> AsyncIterator[Verification]:
        """One verification per item, as they are finished.

        Raises `InputError` if the service refuses an item, `ServiceError` if it is another verifier.
        """
        done: asyncio.Queue[Verification | BaseException] = asyncio.Queue()
        slots = asyncio.Semaphore(self._parallel)
        parts = portions(items)
        tasks = [asyncio.create_task(self._insist(part, cache, complete, slots, done)) for part in parts]
        async with aclosing(arriving(len(items), done, tasks)) as answers:
            async for answer in answers:
                yield answer

    async def identity(self) -> str:
        """The identity of the verifier behind the service; `ServiceError` if it does not tell."""
        raw = await self._get("/v1/identity")
        try:
            return str(orjson.loads(raw)["identity"])[:200]
        except (ValueError, KeyError, TypeError):
            raise ServiceError(f"{self.url}/v1/identity is no verifier's identity.") from None

    async def ready(self) -> bool:
        """Whether a real verdict came back from every part just now; `ServiceError` if it redirects."""
        timeout = aiohttp.ClientTimeout(total=90)
        try:
            async with self._http().get(
                f"{self.url}/ready", timeout=timeout, allow_redirects=False
            ) as answer:
                self._stays(answer)
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def metrics(self) -> dict[str, float]:
        """The service's metrics by sample name with labels, e.g. `verif_verifications_total{state="scored"}`.

        `ServiceError` if it does not tell them.
        """
        text = (await self._get("/metrics")).decode(errors="replace")
        lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        try:
            return {name: float(value) for name, _, value in lines}
        except ValueError:
            raise ServiceError(f"{self.url}/metrics is not in Prometheus' text format.") from None

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> VerifierClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _http(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            headers |= {ASIDE_HEADER: "1"} if self._aside else {}
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=15),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                read_bufsize=1 << 20,
            )
        return self._session

    async def _get(self, path: str) -> bytes:
        try:
            timeout = aiohttp.ClientTimeout(total=ASK_S)
            async with self._http().get(
                f"{self.url}{path}", timeout=timeout, allow_redirects=False
            ) as answer:
                self._stays(answer)
                if answer.status != 200:
                    hint = "Is the token right?" if answer.status in (401, 403) else ""
                    raise ServiceError(f"{self.url}{path} answered HTTP {answer.status}.", hint)
                return await _some(answer, MAX_LINE)
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceError(
                f"no verifier at {self.url}: {error}", "Start one with `verif verifier up`."
            ) from None

    async def _insist(
        self,
        items: Sequence[Item],
        cache: bool,
        complete: bool,
        slots: asyncio.Semaphore,
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        """Ask until every item of a portion is answered or patience ends."""
        missing = dict(enumerate(items))  # ids may repeat in the caller's list, positions do not
        progress, pause, problem = time.monotonic(), 0.05, ""
        try:
            async with slots:
                while missing and time.monotonic() - progress < self.patience_s:
                    before = len(missing)
                    wait, problem = await self._once(missing, cache, complete, done)
                    if len(missing) < before:
                        progress, pause = time.monotonic(), 0.05
                    if missing:
                        await asyncio.sleep(max(wait, pause * random.uniform(0.5, 1.5)))
                        pause = min(pause * 2, 3.0)
            for item in missing.values():
                done.put_nowait(lost(item, problem))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            done.put_nowait(error)

    async def _once(
        self,
        missing: dict[int, Item],
        cache: bool,
        complete: bool,
        done: asyncio.Queue[Verification | BaseException],
    ) -> tuple[float, str]:
        """One request for what is missing; answered items leave `missing`. The wait that was asked for, and the problem."""
        body = body_of(missing, cache, complete)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=self.patience_s)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._http().post(
                f"{self.url}/v1/verify", data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                self._stays(answer)
                if answer.status in (413, 422):
                    named = f"item {next(iter(missing.values())).id[:80]!r}: " if len(missing) == 1 else ""
                    said = (await _some(answer, 500)).decode(errors="replace")
                    raise InputError(f"the verifier refused the request: {named}{said}")
                if answer.status in (401, 403, 404):
                    raise ServiceError(
                        f"{self.url} refused the request (HTTP {answer.status}).", "Is the token right?"
                    )
                if answer.status != 200:
                    return retry_after(answer.headers.get("Retry-After", ""), 60.0), f"HTTP {answer.status}"
                self._same_verifier(answer.headers.get(IDENTITY_HEADER, ""))
                await self._take_all(answer, missing, done)
                return 0.0, "the stream ended early"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return 0.0, f"{type(error).__name__}: {error}"

    async def _take_all(
        self,
        answer: aiohttp.ClientResponse,
        missing: dict[int, Item],
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        """The verifications of a stream, until it ends, or nothing new has come for as long as patience lasts."""
        asked, total, buffer = set(missing), 0, bytearray()
        loop = asyncio.get_running_loop()
        moved = loop.time()
        async with asyncio.timeout_at(moved + self.patience_s) as limit:
            async for chunk in answer.content.iter_any():
                total += len(chunk)
                buffer += chunk
                if b"\n" in chunk:
                    before = len(missing)
                    *lines, rest = bytes(buffer).split(b"\n")
                    buffer = bytearray(rest)
                    for line in lines:
                        if line.startswith(b'{"id":'):
                            self._take(line, asked, missing, done)
                        elif line.startswith(b'{"done":'):
                            return
                    now = loop.time()  # moving a limit costs more than reading a line
                    if len(missing) < before and now - moved > self.patience_s / 20:
                        moved = now
                        limit.reschedule(now + self.patience_s)
                if len(buffer) > MAX_LINE or total > MAX_ANSWER:
                    raise ServiceError(f"the verifier at {self.url} sends an answer without an end.")

    def _take(
        self,
        line: bytes,
        asked: set[int],
        missing: dict[int, Item],
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        """Deliver one line if it is a whole verification of something asked; what is cut stays missing."""
        try:
            verification = Verification.model_validate_json(line)
        except ValidationError:
            return
        number = (
            int(verification.id)
            if verification.id.isascii() and verification.id.isdigit() and len(verification.id) < 10
            else -1
        )
        if number not in missing:
            known = "twice" if number in asked else "though nobody asked for it"
            raise ServiceError(
                f"the verifier at {self.url} broke its protocol: it answered {verification.id[:40]!r} {known}."
            )
        item = missing[number]
        self._believer.check(verification, item)
        del missing[number]
        done.put_nowait(verification.model_copy(update={"id": item.id}))

    def _stays(self, answer: aiohttp.ClientResponse) -> None:
        if where := redirected(answer.status, str(answer.url), answer.headers.get("Location", "")):
            raise ServiceError(f"no verifier at {self.url}: {where}.", "Is the URL right?")

    def _same_verifier(self, identity: str) -> None:
        if self.expected and identity != self.expected:
            raise ServiceError(
                f"the service at {self.url} is verifier {identity[:12]}, not {self.expected[:12]}."
            )
        self.expected = identity


async def _some(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The beginning of a body."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


def lost(item: Item, problem: str) -> Verification:
    """The verification of an item that no service answered: an error, so no reward."""
    from verif.types import Status, Verdict

    covers = tuple(range(len(item.instruction.constraints)))
    verdict = Verdict(
        status=Status.ERROR, covers=covers, reason=f"the verifier service gave no answer: {problem}"
    )
    return Verification(id=item.id, verdicts=(verdict,), reward=Reward(value=None, state="error", formula=""))
