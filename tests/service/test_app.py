"""The application in this process: readiness, admission and the token, with a judge that answers when told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect
from support.harness import item

from verif.core.judge.cascade import Band, Cascade
from verif.core.judge.client import JudgeClient
from verif.core.verifier import Verifier
from verif.service import app, limits
from verif.service import state as service
from verif.service.app import create_app
from verif.service.state import ServiceState
from verif.types import Instruction, Item, Status, Verdict


class Slow:
    """A judge whose questions wait, in their order, until the test lets `turns` of them through."""

    def __init__(self, part: str = "judge:slow", p_pass: float | None = None) -> None:
        self.part, self.asked, self.dead = part, 0, ""
        self.client = JudgeClient(["http://127.0.0.1:9/v1"], "judge")  # for its figures; never asked
        self.evidence = {} if p_pass is None else {"p_pass": p_pass}
        self.turns = asyncio.Semaphore(0)

    def asks(self, soft: Sequence[int]) -> list[tuple[int, ...]]:
        return [tuple(soft)]

    def key(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> str:
        return f"{instruction.prompt}{answer}"

    async def ask(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> Verdict:
        self.asked += 1
        await self.turns.acquire()
        status = Status.ERROR if self.dead else Status.PASS
        covers = tuple(indices)
        return Verdict(
            status=status, covers=covers, reason=self.dead, part=self.part, evidence=dict(self.evidence)
        )

    def free(self) -> None:
        for _ in range(10_000):
            self.turns.release()


@asynccontextmanager
async def serving(judge: Any, **options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, ServiceState]]:
    made = create_app(Verifier(judge=judge), probes=[item(0, "good text")], **options)
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://verifier") as client,
    ):
        yield client, made.state.verif


def body(count: int, tag: str = "", hard: bool = True) -> bytes:
    items = [item(n, f"good {tag} {n}", hard=hard) for n in range(count)]
    return b'{"items": [' + b",".join(one.model_dump_json().encode() for one in items) + b"]}"


def forget(state: ServiceState) -> None:
    """As if `PROBE_EVERY_S` had passed."""
    state.batcher.proved.clear()
    state.probing.clear()


async def until(condition: Any, seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        await asyncio.sleep(0.01)


# ------------------------------------------------------------------------------------------------- token
async def test_a_kubelet_without_a_token_sees_whether_the_pod_is_ready_and_nothing_else() -> None:
    judge = Slow()
    judge.free()
    async with serving(judge, token="sesame") as (client, state):
        assert (await client.get("/ready")).json() == {"ready": True, "problem": ""}
        assert (await client.get("/health")).status_code == 200
        for path in ("/metrics", "/v1/identity", "/openapi.json", "/ready/", "/nothing"):
            assert (await client.get(path, headers={"Host": "x/ready?"})).status_code == 401, path
        assert (await client.post("/v1/verify", content=body(1))).status_code == 401
        judge.dead = "the judge refused the request (HTTP 401): wrong key sk-123"
        forget(state)
        answer = await client.get("/ready")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "problem": "no verdict from the judge"}
        told = await client.get("/ready", headers={"Authorization": "Bearer sesame"})
        assert "sk-123" in told.json()["problem"]


# --------------------------------------------------------------------------------------------- readiness
@pytest.mark.slow
async def test_however_many_ask_whether_it_is_ready_the_judge_is_asked_once() -> None:
    judge = Slow()
    judge.free()
    judge.dead = "down"
    async with serving(judge) as (client, _):
        answers = await asyncio.gather(*(client.get("/ready") for _ in range(50)))
        answers += [await client.get("/ready") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {503}
        assert judge.asked == 1
        judge.dead = ""
        await asyncio.sleep(service.PROBE_EVERY_S)
        assert (await client.get("/ready")).status_code == 200
        assert judge.asked == 2


@pytest.mark.slow
async def test_real_verdicts_prove_the_judge_so_that_a_saturated_pod_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "PROBE_EVERY_S", 0.3)
    judge = Slow()
    async with serving(judge) as (client, _):
        work = asyncio.create_task(client.post("/v1/verify", content=body(40, hard=False)))
        await until(lambda: judge.asked == 40)
        judge.turns.release()
        await asyncio.sleep(0.05)
        assert (await asyncio.wait_for(client.get("/ready"), 1)).json()["ready"]
        assert judge.asked == 40, "no probe while real verdicts flow"
        await asyncio.sleep(0.4)
        waiting = asyncio.create_task(client.get("/ready"))
        await until(lambda: judge.asked == 41)
        await asyncio.sleep(0.5)  # longer than the rules' own proof lasts
        judge.turns.release()  # for real work: the probe stands behind it
        assert (await asyncio.wait_for(waiting, 1)).json()["ready"]
        judge.free()
        assert len((await work).text.splitlines()) == 41


@pytest.mark.parametrize("dead", ["small", "large"])
async def test_each_judge_of_a_cascade_is_proved(dead: str) -> None:
    small, large = Slow("judge:small", p_pass=0.99), Slow("judge:large")
    for judge in (small, large):
        judge.free()
    cascade = Cascade(small, large, Band(0.1, 0.9))  # type: ignore[arg-type]
    async with serving(cascade) as (client, state):
        assert (await client.get("/ready")).status_code == 200
        assert (small.asked, large.asked) == (1, 1)
        await client.post("/v1/verify", content=body(3))
        small.evidence = {"p_pass": 0.5}
        await client.post("/v1/verify", content=body(2, "unsure"))
        metrics = (await client.get("/metrics")).text
        assert 'verif_cascade_decisions_total{by="small"} 3.0' in metrics
        assert 'verif_cascade_decisions_total{by="large"} 2.0' in metrics
        {"small": small, "large": large}[dead].dead = "gone"
        forget(state)
        answer = await client.get("/ready")
        assert answer.json() == {"ready": False, "problem": f"no verdict from the {dead}: gone"}


# --------------------------------------------------------------------------------------------- admission
@pytest.mark.slow
async def test_requests_that_arrive_together_do_not_pass_the_bound_together() -> None:
    judge = Slow()
    async with serving(judge, max_pending=500) as (client, state):
        asking = [
            asyncio.create_task(client.post("/v1/verify", content=body(64, str(n)))) for n in range(200)
        ]
        await until(lambda: state.batcher.pending == 448 and judge.asked == 448)
        judge.free()
        answers = await asyncio.gather(*asking)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 193
        assert refused[0].headers["Retry-After"] == "1"
        assert [len(a.text.splitlines()) for a in answers if a.status_code == 200] == [65] * 7
        assert (state.batcher.peak, state.batcher.pending) == (448, 0)


async def test_a_request_larger_than_the_bound_is_served_when_nothing_else_is_pending() -> None:
    judge = Slow()
    judge.free()
    async with serving(judge, max_pending=8) as (client, state):
        answer = await client.post("/v1/verify", content=body(20))
        assert answer.status_code == 200
        assert answer.text.splitlines()[-1] == '{"done":20}'
        assert state.batcher.pending == 0


@pytest.mark.parametrize("gone_at", ["http.response.start", "http.response.body"])
async def test_a_client_that_is_gone_leaves_nothing_pending(gone_at: str) -> None:
    judge = Slow()
    judge.free()
    async with serving(judge, max_pending=8) as (client, state):
        sent = iter([{"type": "http.request", "body": body(8), "more_body": False}])

        async def receive() -> Any:
            return next(sent)

        async def send(message: Any) -> None:
            if message["type"] == gone_at:
                raise OSError("gone")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/verify",
            "raw_path": b"/v1/verify",
            "query_string": b"",
            "headers": [],
        }
        with pytest.raises(ClientDisconnect):
            await client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
        await until(lambda: state.batcher.pending == 0)
        assert state.reading == 0
        assert (await client.post("/v1/verify", content=body(8, "next"))).status_code == 200


@pytest.mark.slow
async def test_bodies_that_are_being_read_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "MAX_READING", 1000)
    monkeypatch.setattr(app, "BODY_S", 0.3)
    judge = Slow()
    judge.free()
    async with serving(judge) as (client, state):

        async def never() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(3600)

        headers = {"Content-Length": "900"}
        slow = asyncio.create_task(client.post("/v1/verify", content=never(), headers=headers))
        await until(lambda: state.reading == 900)
        assert (await client.post("/v1/verify", content=body(1))).status_code == 429
        assert (await slow).status_code == 408
        assert state.reading == 0
        assert (await client.post("/v1/verify", content=body(20))).status_code == 200, (
            "alone it may be larger"
        )
    assert limits.MAX_READING >= limits.MAX_BODY


async def test_a_parameter_beyond_64_bits_is_refused_by_its_name() -> None:
    huge = {"num_words": 2**64, "relation": "at least"}
    rule = {"kind": "rule", "text": "t", "rule": "length_constraints:number_words", "params": huge}
    one = Item.model_validate(
        {
            "id": "7",
            "instruction": {"id": "7", "prompt": "p", "constraints": [rule]},
            "response": {"text": "x"},
        }
    )
    async with serving(None) as (client, _):
        answer = await client.post("/v1/verify", content=b'{"items": [%s]}' % one.model_dump_json().encode())
    assert answer.status_code == 422
    assert "num_words" in answer.json()["error"]
    assert "'7'" in answer.json()["error"]
