"""The verifier over HTTP: verifications stream out as they are finished.

`POST /v1/verify` answers NDJSON: one verification per line, then `{"done": n}`. A stream without that last
line was cut, and the client asks again for what is missing. Beyond its bound the service answers 429 at once
instead of growing; while it closes it answers 503. With a token, only `/health` and `/ready` answer without it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from verif.core.verifier import Verifier
from verif.errors import InputError
from verif.service.batch import Batcher
from verif.service.limits import BODY_S, MAX_BODY, MAX_READING
from verif.service.limits import Request as VerifyRequest
from verif.service.metrics import Metrics
from verif.types import Item, Status, Verdict, Verification

log = logging.getLogger("verif.service")

IDENTITY_HEADER = "X-Verif-Identity"
PROBE_EVERY_S = 2.0
"""For so long a verdict proves its part, and so often at most the parts are probed."""


@dataclass
class State:
    """What the endpoints share.

    `problem` says why the service is not ready; `busy_at` when it last had work; `reading` counts the bytes of
    bodies that are being read; `probing` holds the last probe of each part, `probed` when it ended.
    """

    verifier: Verifier
    batcher: Batcher
    metrics: Metrics
    probes: list[Item]
    max_pending: int
    problem: str = ""
    closing: bool = False
    busy_at: float = field(default_factory=time.monotonic)
    reading: int = 0
    probing: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    probed: dict[str, float] = field(default_factory=dict)

    def unproved(self, since: float) -> list[str]:
        """The parts without a real verdict since then (monotonic seconds), among those the probes go through."""
        soft = ["small", "large"] if hasattr(self.verifier.judge, "small") else ["judge"]
        kinds = {c.kind for probe in self.probes for c in probe.instruction.constraints}
        parts = [kind for kind in ("rule", "checker") if kind in kinds] + (soft if "soft" in kinds else [])
        return [part for part in parts if self.batcher.proved.get(part, float("-inf")) < since]

    def probe(self, part: str) -> asyncio.Task[str]:
        """The part's probe: the one under way, the last one if it ended within `PROBE_EVERY_S`, or a new one."""
        last = self.probing.get(part)
        if last is None or (last.done() and time.monotonic() - self.probed[part] >= PROBE_EVERY_S):
            last = self.probing[part] = asyncio.create_task(_probe(self, part))
        return last


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
            for probe in state.probing.values():
                probe.cancel()
            await asyncio.gather(*state.probing.values(), return_exceptions=True)
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
    async def ready(request: Request) -> JSONResponse:
        """A real verdict came back from every part, just now. Why not is told in full only to whoever has the token."""
        problem = await prove(state)
        if not _allowed(request, token):
            problem = problem.partition(":")[0]  # a reason may quote what the judge's server said
        return JSONResponse({"ready": not problem, "problem": problem}, 503 if problem else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(state.metrics.render(), media_type="text/plain; version=0.0.4")

    return app


def _allowed(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _guard(token: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Middleware that wants the bearer token everywhere but where a kubelet asks, which has none."""

    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        # the path of the scope is what is routed; that of `request.url` is made from the Host header as well
        if request.scope["path"] not in ("/health", "/ready") and not _allowed(request, token):
            return _error(401, "a bearer token is needed")
        return await call_next(request)

    return guard


async def prove(state: State) -> str:
    """Why the service cannot give rewards ("" if it can): every part gave a real verdict within `PROBE_EVERY_S`.

    Verdicts of real work count, so that nothing is probed, and waits behind that work, while they flow; one that
    comes while a probe waits counts as well. However many ask, a part has one probe at a time (`State.probe`).
    """
    if state.closing:
        return "the service is closing"
    if state.problem:
        return state.problem
    if not state.probes:
        return "there is nothing to probe with"
    since = time.monotonic() - PROBE_EVERY_S
    while parts := state.unproved(since):
        probes = [state.probe(part) for part in parts]
        if waiting := [probe for probe in probes if not probe.done()]:
            await asyncio.wait(waiting, timeout=0.1)
        ended = [probe.result() for probe in probes if probe.done()]
        if any(ended) or len(ended) == len(probes):
            return next((problem for problem in ended if problem), "")
    return ""


async def _probe(state: State, part: str) -> str:
    """Why the part decides none of the probes, with the cache off; "" if it does."""
    problem = ""
    try:
        for probe in state.probes:
            verdicts = await _ask_part(state, probe, part)
            bad = [v for v in verdicts if v.status not in (Status.PASS, Status.FAIL)]
            if bad:
                problem = f"no verdict from the {part}: {bad[0].reason}"
            elif verdicts:
                state.batcher.proved[part] = time.monotonic()
                return ""
        log.warning("not ready: %s", problem)
        return problem
    finally:
        state.probed[part] = time.monotonic()


async def _ask_part(state: State, probe: Item, part: str) -> Sequence[Verdict]:
    """The part's verdicts on its constraints of the probe."""
    kind = part if part in ("rule", "checker") else "soft"
    chosen = tuple(c for c in probe.instruction.constraints if c.kind == kind)
    if not chosen:
        return ()
    instruction = probe.instruction.model_copy(update={"constraints": chosen})
    if part in ("small", "large"):  # each of a cascade's judges, whichever would have decided
        judge = getattr(state.verifier.judge, part)
        asks = judge.asks(range(len(chosen)))
        return [await judge.ask(instruction, probe.response.text, indices) for indices in asks]
    item = probe.model_copy(update={"instruction": instruction})
    [found] = [one async for one in state.verifier.verify([item], cache=False, complete=True)]
    return found.verdicts


async def _verify(state: State, request: Request) -> Response:
    if state.closing:
        return _error(503, "the service is closing", retry_after=1)
    if state.problem:
        return _error(503, state.problem, retry_after=1)
    if state.batcher.pending >= state.max_pending:  # before reading: a refusal must be cheap
        return _busy(state)
    body = await _read(state, request)
    if isinstance(body, Response):
        return body
    try:
        asked = VerifyRequest.model_validate_json(body)
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
    # Pending from here on: with an await between the check and this, all that were read at once would pass it.
    answers = state.batcher.verify(asked.items, cache=asked.cache, complete=asked.complete)
    return StreamingResponse(_stream(state, answers), media_type="application/x-ndjson")


async def _read(state: State, request: Request) -> bytearray | Response:
    """The body, or why it is refused. What is being read at once is bounded too, by declared lengths."""
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else MAX_BODY
    if size > MAX_BODY:
        return _error(413, f"the body is longer than {MAX_BODY} bytes")
    if state.reading and state.reading + size > MAX_READING:
        return _busy(state)
    body = bytearray()
    state.reading += size
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return _error(413, f"the body is longer than {MAX_BODY} bytes")
    except TimeoutError:
        return _error(408, f"the body took longer than {BODY_S:g} s")
    finally:
        state.reading -= size
    return body


async def _stream(state: State, answers: AsyncIterator[list[Verification]]) -> AsyncIterator[bytes]:
    begun = state.busy_at = time.monotonic()
    count = 0
    try:
        async for ready in answers:
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
    return _error(429, f"{state.batcher.pending} items are pending, {state.reading} bytes are being read", 1)


def _error(status: int, message: str, retry_after: int = 0) -> JSONResponse:
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return JSONResponse({"error": message}, status, headers)
