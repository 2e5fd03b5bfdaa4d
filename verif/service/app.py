"""The verifier over HTTP: verifications stream out as they are finished.

`POST /v1/verify` answers NDJSON: one verification per line, then `{"done": n}`. A stream without that last
line was cut, and the client asks again for what is missing. Beyond its bounds the service answers 429 at once
instead of growing; while it closes it answers 503. With a token, only `/health` and `/ready` answer without it.
Reading a body is `verif.service.reading`, what it may hold `limits`, who gets how much `places`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from verif.core.verifier import Verifier
from verif.service.asking import error, verify
from verif.service.batch import Batcher
from verif.service.limits import BODY_S, MAX_BODY, MAX_HELD, MAX_READING, REQUEST_S
from verif.service.limits import Request as VerifyRequest
from verif.service.metrics import Metrics
from verif.service.places import Places
from verif.service.reading import Reading
from verif.types import Item, Status, Verdict

log = logging.getLogger("verif.service")

IDENTITY_HEADER = "X-Verif-Identity"
PROBE_EVERY_S = 2.0
"""For so long a verdict proves its part, and so often at most the parts are probed."""


@dataclass
class State:
    """What the endpoints share.

    `problem` says why the service is not ready; `busy_at` when it last had work; `held` counts the bytes of
    requests without a whole answer; `probing` holds the last probe of each part, `probed` when it ended.
    """

    verifier: Verifier
    batcher: Batcher
    metrics: Metrics
    probes: list[Item]
    reading_bodies: Reading
    problem: str = ""
    closing: bool = False
    busy_at: float = field(default_factory=time.monotonic)
    held: Places = field(default_factory=lambda: Places(MAX_HELD))
    parsers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "verif-parse"))
    request_s: float = REQUEST_S
    probing: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    probed: dict[str, float] = field(default_factory=dict)

    @property
    def reading(self) -> int:
        """Declared bytes of bodies that are being read."""
        return self.reading_bodies.bytes

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
    max_body: int = 0,
    token: str = "",
    problem: str = "",
    on_start: Callable[[State], Coroutine[Any, Any, None]] | None = None,
) -> FastAPI:
    """The application. `probes` are items that must get a reward before `/ready` says yes (one is enough)."""
    batcher = Batcher(verifier, most=max_pending)
    reading = Reading(max_body or MAX_BODY, MAX_READING, BODY_S)
    state = State(verifier, batcher, Metrics(verifier, batcher), probes, reading, problem)

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
            return error(401, "a bearer token is needed")
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
