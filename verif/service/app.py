"""The verifier over HTTP: verifications stream out as they are finished.

`POST /v1/verify` answers NDJSON: one verification per line, then `{"done": n}`. A stream without that last
line was cut, and the client asks again for what is missing. Beyond its bound the service answers 429 at once
instead of growing; while it closes it answers 503.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from verif.errors import InputError
from verif.joined import Verifier
from verif.service.batch import Batcher
from verif.service.limits import MAX_BODY
from verif.service.limits import Request as VerifyRequest
from verif.service.metrics import Metrics
from verif.types import Item, Status

log = logging.getLogger("verif.service")

IDENTITY_HEADER = "X-Verif-Identity"
PROBE_EVERY_S = 2.0


@dataclass
class State:
    """What the endpoints share. `problem` says why the service is not ready; `busy_at` when it last had work."""

    verifier: Verifier
    batcher: Batcher
    metrics: Metrics
    probes: list[Item]
    max_pending: int
    problem: str = ""
    closing: bool = False
    busy_at: float = field(default_factory=time.monotonic)
    proved_at: float = float("-inf")


def create_app(
    verifier: Verifier,
    *,
    probes: list[Item],
    max_pending: int = 8192,
    token: str = "",
    problem: str = "",
    on_start: Callable[[State], Coroutine[Any, Any, None]] | None = None,
) -> FastAPI:
    """The application. `probes` are items that must get a reward before `/ready` says yes (one is enough)."""
    batcher = Batcher(verifier)
    state = State(verifier, batcher, Metrics(verifier, batcher), probes, max_pending, problem)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(on_start(state)) if on_start else None
        try:
            yield
        finally:
            if task:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await batcher.close(grace_s=1.0)
            await verifier.close()

    app = FastAPI(title="verif", version="1", lifespan=lifespan, description=__doc__)
    app.state.verif = state

    if token:
        app.middleware("http")(_guard(token))

    schema = {
        "content": {
            "application/json": {"schema": VerifyRequest.model_json_schema(ref_template="#/$defs/{model}")}
        }
    }

    @app.post("/v1/verify", openapi_extra={"requestBody": {"required": True, **schema}})
    async def verify(request: Request) -> Response:
        """Verify a batch; the answer is NDJSON, one verification per line in the order they are finished."""
        answer = await _verify(state, request)
        state.metrics.requests.labels(str(answer.status_code)).inc()
        answer.headers[IDENTITY_HEADER] = verifier.identity
        return answer

    @app.get("/v1/identity")
    async def identity() -> dict[str, Any]:
        """The verifier's identity and the parts it is the digest of."""
        return {"identity": verifier.identity, "parts": verifier.parts}

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process answers; says nothing about verdicts."""
        return {"status": "alive"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """A real verdict came back from every part, just now."""
        problem = await prove(state)
        return JSONResponse({"ready": not problem, "problem": problem}, 503 if problem else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(state.metrics.render(), media_type="text/plain; version=0.0.4")

    return app


def _guard(token: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Middleware that wants the bearer token everywhere but at `/health`."""

    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("authorization", "")
        if request.url.path != "/health" and not hmac.compare_digest(
            given.encode(), f"Bearer {token}".encode()
        ):
            return _error(401, "a bearer token is needed")
        return await call_next(request)

    return guard


async def prove(state: State) -> str:
    """Why the service cannot give rewards ("" if it can): a probe through every part, with the cache off."""
    if state.closing:
        return "the service is closing"
    if state.problem:
        return state.problem
    if time.monotonic() - state.proved_at < PROBE_EVERY_S:
        return ""
    problem = "there is nothing to probe with"
    for probe in state.probes:
        found = await anext(state.verifier.verify([probe], cache=False, complete=True))
        bad = [v for v in found.verdicts if v.status not in (Status.PASS, Status.FAIL)]
        if not bad:
            state.proved_at = time.monotonic()
            return ""
        problem = f"no verdict from {bad[0].part or 'a part'}: {bad[0].reason}"
    return problem


async def _verify(state: State, request: Request) -> Response:
    if state.closing:
        return _error(503, "the service is closing", retry_after=1)
    if state.problem:
        return _error(503, state.problem, retry_after=1)
    if state.batcher.pending >= state.max_pending:  # before reading: a refusal must be cheap
        return _busy(state)
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        return _error(413, f"the body is longer than {MAX_BODY} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return _error(413, f"the body is longer than {MAX_BODY} bytes")
    try:
        asked = VerifyRequest.model_validate_json(bytes(body))
        for item in asked.items:
            state.verifier.check_item(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return _error(422, f"{where}: {first['msg']}")
    except InputError as error:
        return _error(422, str(error))
    state.metrics.queue_items.observe(state.batcher.pending)
    if state.batcher.pending and state.batcher.pending + len(asked.items) > state.max_pending:
        return _busy(state)
    state.metrics.received.inc(len(asked.items))
    return StreamingResponse(_stream(state, asked), media_type="application/x-ndjson")


async def _stream(state: State, asked: VerifyRequest) -> AsyncIterator[bytes]:
    begun = state.busy_at = time.monotonic()
    count = 0
    try:
        async for ready in state.batcher.verify(asked.items, cache=asked.cache, complete=asked.complete):
            state.metrics.count(ready)
            count += len(ready)
            yield b"".join(found.model_dump_json().encode() + b"\n" for found in ready)
        yield orjson.dumps({"done": count}) + b"\n"
    except ConnectionAbortedError as error:
        yield orjson.dumps({"error": str(error)}) + b"\n"
    finally:
        state.busy_at = time.monotonic()
        state.metrics.request_seconds.observe(state.busy_at - begun)


def _busy(state: State) -> JSONResponse:
    return _error(429, f"{state.batcher.pending} items are pending", retry_after=1)


def _error(status: int, message: str, retry_after: int = 0) -> JSONResponse:
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return JSONResponse({"error": message}, status, headers)
