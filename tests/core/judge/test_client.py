"""Concurrency that follows the server, routing, breaker, deadlines."""

from __future__ import annotations

import asyncio
import time

import pytest
from support.harness import StandInJudge, standin

from verif.core.judge.client import JudgeClient
from verif.core.judge.endpoint import FAILURES, Endpoint, choose
from verif.core.judge.limit import AdaptiveLimit
from verif.errors import JudgeError
from verif.system.serving import free_port

ASK = [{"role": "user", "content": "Answer 0badcafe\ngood text\nEnd 0badcafe"}]


def fill(limit: AdaptiveLimit, seconds: float) -> None:
    """One window of completions while others wait."""
    limit._used = True
    for _ in range(int(limit.limit)):
        limit.in_flight += 1
        limit.release(seconds)


def test_limit_grows_while_latency_holds_and_stays_when_it_doubles() -> None:
    limit = AdaptiveLimit(8, highest=100)
    fill(limit, 1.0)
    grown = limit.limit
    fill(limit, 1.1)
    assert grown > 8
    assert limit.limit > grown
    held = limit.limit
    fill(limit, 2.6)
    assert limit.limit == held
    for _ in range(10):
        fill(limit, 1.0)
    assert limit.limit == 100


def test_one_overload_reported_by_many_counts_once() -> None:
    limit = AdaptiveLimit(100)
    for _ in range(50):
        limit.in_flight += 1
        limit.release(overloaded=True)
    assert limit.limit == pytest.approx(80)


async def test_limit_is_fair_and_survives_cancelled_waiters() -> None:
    limit = AdaptiveLimit(4, lowest=1)
    limit.limit = 1.0
    order: list[int] = []

    async def one(number: int) -> None:
        await limit.acquire()
        order.append(number)
        await asyncio.sleep(0)
        limit.release(0.1)

    tasks = [asyncio.create_task(one(n)) for n in range(6)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4, 5]
    assert limit.in_flight == 0


def test_breaker_opens_probes_once_and_closes() -> None:
    endpoint = Endpoint("http://x/v1")
    for _ in range(FAILURES):
        endpoint.begin()
        endpoint.end(False)
    assert choose([endpoint]) is None
    endpoint.open_until = 0.0
    assert choose([endpoint]) is endpoint
    endpoint.begin()
    assert choose([endpoint]) is None, "a second request while the probe is out"
    endpoint.end(True)
    assert choose([endpoint]) is endpoint
    assert not endpoint.open


def test_least_outstanding_server_is_chosen() -> None:
    busy, free = Endpoint("a", outstanding=3), Endpoint("b", outstanding=1)
    assert choose([busy, free]) is free


@pytest.mark.slow
async def test_a_dead_server_is_routed_around(judge: StandInJudge) -> None:
    client = JudgeClient(["http://127.0.0.1:9/v1", f"{judge.url}/v1"], "judge", deadline_s=5)
    answers = await asyncio.gather(*(client.judge(ASK) for _ in range(40)))
    assert all('"pass"' in answer.text for answer in answers)
    assert client.endpoints[0].open
    await client.close()


@pytest.mark.slow
async def test_a_dead_server_costs_a_batch_one_deadline_and_no_concurrency() -> None:
    client = JudgeClient([f"http://127.0.0.1:{free_port()}/v1"], "judge", deadline_s=2)
    limit, started = client.limit.limit, time.monotonic()
    found = await asyncio.gather(*(client.judge(ASK) for _ in range(512)), return_exceptions=True)
    assert time.monotonic() - started < 8, "one deadline, not one per question"
    assert all(isinstance(one, JudgeError) for one in found)
    assert client.limit.limit == limit, "a server that is not there is not overloaded"
    assert client.counts["calls"] < 100, "the breaker kept most of them from it"
    await client.close()


@pytest.mark.slow
async def test_a_server_that_comes_back_is_found_by_those_who_ask_then() -> None:
    port = free_port()
    client = JudgeClient([f"http://127.0.0.1:{port}/v1"], "judge", deadline_s=1)
    await asyncio.gather(*(client.judge(ASK) for _ in range(128)), return_exceptions=True)
    client.deadline_s = 15.0  # a busy machine may be slow to answer
    client.endpoints[0].open_since -= 60
    with standin("--port", str(port), "--mean", "0.05", "--longest", "0.2"):
        await asyncio.sleep(max(0.0, client.endpoints[0].open_until - time.monotonic()))
        answers = await asyncio.gather(*(client.judge(ASK) for _ in range(128)))
    assert all('"pass"' in answer.text for answer in answers), "all waited for the one that probed"
    await client.close()


@pytest.mark.slow
async def test_a_server_that_hangs_is_asked_for_less_at_once() -> None:
    with standin() as judge:
        judge.control(mode="hang")
        client = JudgeClient([f"{judge.url}/v1"], "judge", deadline_s=1)
        limit = client.limit.limit
        found = await asyncio.gather(*(client.judge(ASK) for _ in range(128)), return_exceptions=True)
        assert all(isinstance(one, JudgeError) for one in found)
        assert client.limit.limit < limit
        await client.close()


@pytest.mark.slow
async def test_deadline_ends_a_request_that_drips() -> None:
    with standin() as judge:
        judge.control(mode="drip")
        client = JudgeClient([f"{judge.url}/v1"], "judge", deadline_s=1.5)
        started = time.monotonic()
        with pytest.raises(JudgeError, match="no answer within"):
            await client.judge(ASK)
        assert time.monotonic() - started < 10, "a byte a second, a minute for all of them"
        await client.close()


async def test_a_refusal_is_not_repeated_and_its_key_not_shown(
    judge: StandInJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIF_JUDGE_API_KEY", "top-secret")
    judge.control(reset=True, mode="400", count=1)
    client = JudgeClient([f"{judge.url}/v1"], "judge")
    with pytest.raises(JudgeError, match="HTTP 400") as caught:
        await client.judge(ASK)
    assert "top-secret" not in str(caught.value)
    assert judge.control()["calls"] == {"400": 1}
    await client.close()


def test_client_can_be_used_from_one_loop_after_another(judge: StandInJudge) -> None:
    client = JudgeClient([f"{judge.url}/v1"], "judge")

    async def once() -> str:
        text = (await client.judge(ASK)).text
        await client.close()
        return text

    assert asyncio.run(once()) == asyncio.run(once())
