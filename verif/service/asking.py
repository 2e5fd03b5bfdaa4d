"""`POST /v1/verify`: a body is read, looked through, admitted, and its verifications stream out.

Each step is bounded by `verif.service.limits` and `places`, and none but the last works on the event loop: parsing a
body and reading its parameters take as long as whoever sent it wants.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import orjson
from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from verif.core.verifier import Verifier
from verif.errors import InputError
from verif.service.client import ASIDE_HEADER
from verif.service.limits import MAX_VALUES
from verif.service.limits import Request as VerifyRequest
from verif.service.places import Places
from verif.service.reading import Refused
from verif.service.scan import values
from verif.types import Verification

if TYPE_CHECKING:
    from verif.service.state import ServiceState


Admit = Callable[[bytearray], VerifyRequest | str]
"""The request in a body, or what is wrong with it; runs in a worker thread."""
Respond = Callable[[AsyncIterator[list[Verification]], "Hold"], Awaitable[Response]]
"""The answer, made of what is finished as it is finished. Who `keep`s the hold must `release` it."""


async def verify(state: ServiceState, request: Request) -> Response:
    """The answer to a request: a stream, or why there is none."""

    async def respond(answers: AsyncIterator[list[Verification]], hold: Hold) -> Response:
        stream = _stream(state, answers, hold.keep(), ASIDE_HEADER in request.headers)
        return StreamingResponse(stream, media_type="application/x-ndjson")

    return await admitted(state, request, lambda body: checked(state.verifier, body, own), respond)


async def admitted(state: ServiceState, request: Request, admit: Admit, respond: Respond) -> Response:
    """Read, look through, admit, and `respond`; or say why not."""
    client = request.client.host if request.client else ""
    if state.closing:
        return error(503, "the service is closing", retry_after=1)
    if state.problem:
        return error(503, state.problem, retry_after=1)
    if not state.batcher.places.fits(client, 1):  # before reading: a refusal must be cheap
        return _busy(state)
    try:
        body = await state.reading_bodies.read(request, client)
    except Refused as refused:
        if refused.status == 429:
            return _busy(state)
        # A body that is too long is dropped as it comes, so that its sender reads why; one that is slow is cut.
        return error(refused.status, refused.message, close=refused.status == 408)
    size = len(body)
    if not state.held.fits(client, size):
        return _busy(state)
    state.held.take(client, size)
    hold = Hold(state.held, client, size)
    try:
        loop = asyncio.get_running_loop()
        asked = await loop.run_in_executor(state.parsers, admit, body)
        del body
        if isinstance(asked, str):
            return error(413 if asked.startswith("the body") else 422, asked)
        state.metrics.queue_items.observe(state.batcher.pending)
        if not state.batcher.places.fits(client, len(asked.items)):
            return _busy(state)
        state.metrics.received.inc(len(asked.items))
        # Pending from here on: with an await between the check and this, all that were read at once would pass it.
        answers = state.batcher.verify(
            asked.items, cache=asked.cache, complete=asked.complete, client=client, seconds=state.request_s
        )
        return await respond(answers, hold)
    finally:
        hold.end()


class Hold:
    """Bytes that a request holds, given back when it ends: here, or with the stream that keeps them."""

    def __init__(self, places: Places, client: str, size: int) -> None:
        self.places, self.client, self.size, self.kept = places, client, size, False

    def keep(self) -> Hold:
        """Somebody else will `release` them."""
        self.kept = True
        return self

    def end(self) -> None:
        """Release them unless they are kept."""
        if not self.kept:
            self.release()

    def release(self) -> None:
        """Give them back."""
        self.places.give(self.client, self.size)


def own(body: bytearray) -> VerifyRequest:
    """The service's own form."""
    return VerifyRequest.model_validate_json(body)


def checked(
    verifier: Verifier, body: bytearray, read: Callable[[bytearray], VerifyRequest]
) -> VerifyRequest | str:
    """The request that `read` finds in a body, or what is wrong with it; in a worker thread."""
    if values(body, MAX_VALUES) > MAX_VALUES:
        return f"the body holds more than {MAX_VALUES} values; send fewer items at once"
    try:
        asked = read(body)
        for item in asked.items:
            verifier.check_item(item)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where[:300]}: {first['msg'][:700]}"
    except InputError as problem:
        return str(problem)[:1000]
    return asked


async def _stream(
    state: ServiceState, answers: AsyncIterator[list[Verification]], hold: Hold, aside: bool
) -> AsyncIterator[bytes]:
    begun = state.busy_at = time.monotonic()
    count = 0
    try:
        async for ready in answers:
            state.metrics.count(ready, aside=aside)
            count += len(ready)
            yield b"".join(answer.model_dump_json().encode() + b"\n" for answer in ready)
        yield orjson.dumps({"done": count}) + b"\n"
    except ConnectionAbortedError as problem:
        yield orjson.dumps({"error": str(problem)}) + b"\n"
    finally:
        hold.release()
        await answers.aclose()  # type: ignore[attr-defined]  # at once, so that what is left is given up
        state.busy_at = time.monotonic()
        state.metrics.request_seconds.observe(state.busy_at - begun)


def _busy(state: ServiceState) -> JSONResponse:
    reading = state.reading
    return error(429, f"{state.batcher.pending} items are pending, {reading} bytes are being read", 1)


def error(status: int, message: str, retry_after: int = 0, *, close: bool = False) -> JSONResponse:
    """A refusal in JSON; `close` ends the connection with it."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if close:
        headers["Connection"] = "close"
    return JSONResponse({"error": message}, status, headers)
