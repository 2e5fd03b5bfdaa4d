"""The dialects of other trainers on the running service, admitted and bounded like `/v1/verify`.

They want one answer when all is verified, so this waits, unless the asker goes away. A request without any error gets
the dialect's reply. One with an error gets it too where the host has a word for an error, and 503 where it has none:
the trainer then asks again, or stops, and never learns from it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from verif.core.answer import scrub
from verif.core.failures import why
from verif.core.rows import Where, parse
from verif.service.asking import Hold, admitted, checked, error
from verif.service.dialects.dialect import Dialect
from verif.service.limits import Request as VerifyRequest
from verif.types import Verification

if TYPE_CHECKING:
    from verif.service.state import ServiceState

log = logging.getLogger("verif.service")


def speaker(state: ServiceState, dialect: Dialect) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a dialect."""

    async def speak(request: Request) -> Response:
        body: dict[str, Any] = {}

        def read(raw: bytearray) -> VerifyRequest:
            body.update(_object(raw))
            return VerifyRequest(items=dialect.read(body, request.query_params))

        async def respond(answers: AsyncIterator[list[Verification]], _: Hold) -> Response:
            begun = state.busy_at = time.monotonic()
            reply = await _reply(state, dialect, body, await _all(state, request, answers))
            state.busy_at = time.monotonic()
            state.metrics.request_seconds.observe(state.busy_at - begun)
            return reply

        reply = await admitted(state, request, lambda raw: checked(state.verifier, raw, read), respond)
        state.metrics.requests.labels(str(reply.status_code)).inc()
        if reply.status_code >= 400:  # such trainers show the status and not the reason
            log.warning("%s answered %d: %.500r", dialect.path, reply.status_code, bytes(reply.body))
        return reply

    speak.__doc__ = f"A trainer's own request; see `verif.service.dialects` for `{dialect.path}`."
    return speak


def _object(raw: bytearray) -> dict[str, Any]:
    """The body; lone surrogates, which a policy can write and no JSON holds, become `?`."""
    where = Where("the request", 1)
    try:
        parsed = scrub(parse(bytes(raw), where))
    except RecursionError:
        raise where.error("is nested too deeply") from None
    if not isinstance(parsed, dict):
        raise where.error("must be a JSON object")
    return parsed


async def _all(
    state: ServiceState, request: Request, answers: AsyncIterator[list[Verification]]
) -> dict[str, Verification] | str:
    """Every verification by its item's id, or why there are not all; nothing is begun for who has gone."""

    async def collect() -> dict[str, Verification]:
        done: dict[str, Verification] = {}
        async for ready in answers:
            state.metrics.count(ready)
            done |= {verification.id: verification for verification in ready}
        return done

    collecting = asyncio.create_task(collect())
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((collecting, leaving), return_when=asyncio.FIRST_COMPLETED)
        return collecting.result() if collecting.done() else "the asker has gone"
    except ConnectionAbortedError as problem:
        return str(problem)
    finally:
        for task in (collecting, leaving):
            task.cancel()
        await asyncio.gather(collecting, leaving, return_exceptions=True)
        await answers.aclose()  # type: ignore[attr-defined]


async def _left(request: Request) -> None:
    """Return when the asker closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _reply(
    state: ServiceState, dialect: Dialect, body: dict[str, Any], answers: dict[str, Verification] | str
) -> Response:
    if isinstance(answers, str):
        return error(503, answers, retry_after=1)
    ordered = [answers[number] for number in sorted(answers, key=int)]
    reasons = [why(verification) for verification in ordered if verification.reward.value is None]
    if reasons and not dialect.masks:
        return error(
            503, f"no reward for {len(reasons)} of {len(ordered)}: {reasons[0][:1000]}", retry_after=1
        )
    written = await asyncio.get_running_loop().run_in_executor(
        state.parsers, lambda: json.dumps(dialect.answer(body, ordered))
    )
    return Response(written, media_type="application/json")
