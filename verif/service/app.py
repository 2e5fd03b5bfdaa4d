"""The verifier over HTTP: verifications stream out as they are finished.

`POST /v1/verify` answers NDJSON: one verification per line, then `{"done": n}`. A stream without that last
line was cut, and the client asks again for what is missing. Beyond its bounds the service answers 429 at once
instead of growing; while it closes it answers 503. With a token, only `/health` and `/ready` answer without it.
`/openrlhf`, `/slime` and `/verify` (NeMo Gym) answer other trainers as they want it (`verif.service.dialects`).
Reading a body is `verif.service.reading`, what it may hold `limits`, who gets how much `places`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from verif.core.verifier import Verifier
from verif.service.asking import error, verify
from verif.service.batch import Batcher
from verif.service.dialects.nemo_gym import NEMO_GYM
from verif.service.dialects.openrlhf import OPENRLHF
from verif.service.dialects.slime import SLIME
from verif.service.limits import BODY_S, MAX_BODY, MAX_READING
from verif.service.limits import Request as VerifyRequest
from verif.service.metrics import Metrics
from verif.service.reading import Reading
from verif.service.speaking import speaker
from verif.service.state import ServiceState, prove
from verif.types import Item

log = logging.getLogger("verif.service")

IDENTITY_HEADER = "X-Verif-Identity"


def create_app(
    verifier: Verifier,
    *,
    probes: list[Item],
    max_pending: int = 8192,
    max_body: int = 0,
    token: str = "",
    problem: str = "",
    on_start: Callable[[ServiceState], Coroutine[Any, Any, None]] | None = None,
) -> FastAPI:
    """The application. `probes` are items that must get a reward before `/ready` says yes (one is enough)."""
    batcher = Batcher(verifier, most=max_pending)
    reading = Reading(max_body or MAX_BODY, MAX_READING, BODY_S)
    state = ServiceState(verifier, batcher, Metrics(verifier, batcher), probes, reading, problem)

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
            state.parsers.shutdown(wait=False, cancel_futures=True)

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
    async def verify_items(request: Request) -> Response:
        """Verify a batch; the answer is NDJSON, one verification per line in the order they are finished."""
        answer = await verify(state, request)
        state.metrics.requests.labels(str(answer.status_code)).inc()
        answer.headers[IDENTITY_HEADER] = verifier.identity
        return answer

    for dialect in (OPENRLHF, SLIME, NEMO_GYM):
        app.post(dialect.path)(speaker(state, dialect))

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
    """Whether the request has the token: as a bearer, or as the password in its URL, where a trainer can put no header."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind == "Basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            given = ""
    known = kind in ("Basic", "Bearer")
    return not token or (known and hmac.compare_digest(given.encode(), token.encode()))


def _guard(token: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Middleware that wants the bearer token everywhere but where a kubelet asks, which has none."""

    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        # the path of the scope is what is routed; that of `request.url` is made from the Host header as well
        if request.scope["path"] not in ("/health", "/ready") and not _allowed(request, token):
            return error(401, "a bearer token is needed")
        return await call_next(request)

    return guard
