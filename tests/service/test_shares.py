"""Who gets how much of the service: a client has its share of places, time and memory, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from support.harness import item

from verif.core import starting
from verif.core.checks import PARAMS_BYTES, Rules
from verif.core.judge.limit import OWNER, AdaptiveLimit
from verif.core.verifier import Verifier
from verif.service import app as service
from verif.service import limits, reading
from verif.service.app import create_app
from verif.service.places import Places
from verif.service.state import ServiceState
from verif.system.bounded import Memo
from verif.types import Item, RuleConstraint


def bodied(*items: Item) -> bytes:
    return b'{"items": [%s]}' % b",".join(one.model_dump_json().encode() for one in items)


# ------------------------------------------------------------------------------------------ shares
def test_places_are_shared() -> None:
    places = Places(100)
    assert places.fits("a", 1000), "alone it may be larger"
    places.take("a", 100)
    assert not places.fits("a", 1)
    assert places.fits("b", 50)
    assert not places.fits("b", 51)
    places.take("b", 50)
    assert not places.fits("b", 1)
    assert places.fits("c", 33)
    places.give("a", 100)
    places.give("b", 50)
    assert (places.held, places.of("a")) == (0, 0)


def test_at_most_twice_the_bound_is_given_out() -> None:
    places = Places(1000)
    for turn in range(20_000):
        client = str(turn % 97 if turn > 5000 else 0)
        if places.fits(client, 7):
            places.take(client, 7)
    assert 1000 - 7 <= places.held <= 2000


class From:
    """The application as seen from an address."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        app = client._transport.app  # type: ignore[attr-defined]
        transport = httpx.ASGITransport(app, client=(address, 1))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://verifier")

    async def ask(self, content: bytes) -> httpx.Response:
        return await self.client.post("/v1/verify", content=content)


async def until(condition: Any) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, ServiceState]]:
    made = create_app(Verifier(), probes=[item(0, "good", soft=False)], **options)
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://verifier") as client,
    ):
        yield client, made.state.verif


async def test_a_client_that_holds_every_place_does_not_keep_others_out() -> None:
    async with serving(max_pending=10) as (client, state):
        state.batcher.places.take("greedy", 10)
        one = bodied(*(item(n, "x", soft=False) for n in range(4)))
        assert (await From(client, "greedy").ask(one)).status_code == 429
        assert (await From(client, "modest").ask(one)).status_code == 200
        state.held.take("greedy", limits.MAX_HELD)
        assert (await From(client, "modest").ask(one)).status_code == 200
        assert state.held.of("modest") == 0, "given back with the answer"
        state.batcher.places.give("greedy", 10)
        assert (await From(client, "greedy").ask(one)).status_code == 429, "by bytes"


async def test_owners_take_turns_at_the_judge() -> None:
    limit = AdaptiveLimit(1, lowest=1)
    order: list[str] = []

    async def ask(owner: str, number: int) -> None:
        OWNER.set(owner)
        await limit.acquire()
        order.append(f"{owner}{number}")
        await asyncio.sleep(0)
        limit.release()

    await asyncio.gather(*(ask("a", n) for n in range(5)), *(ask("b", n) for n in range(2)))
    assert order == ["a0", "a1", "b0", "a2", "b1", "a3", "a4"]
    assert limit.waiting == 0


async def test_the_work_of_a_client_that_went_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = 0

    verifier = Verifier()
    batcher = service.Batcher(verifier)
    real = starting.decided

    def counted(*args: Any, **more: Any) -> Any:
        nonlocal begun
        begun += 1
        time.sleep(0.03)
        return real(*args, **more)

    monkeypatch.setattr(starting, "decided", counted)
    items = [item(n, f"x {n}", soft=False) for n in range(300)]
    answers = batcher.verify(items, cache=True, complete=False)
    reader = asyncio.create_task(anext(answers))  # type: ignore[arg-type]
    await until(lambda: begun > 2)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await until(lambda: batcher.pending == 0)
    assert begun < 50, "of 300"
    await verifier.close()


@pytest.mark.slow
async def test_a_request_that_is_not_finished_in_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = starting.decided

    def slowly(*args: Any, **more: Any) -> Any:
        time.sleep(0.1)
        return real(*args, **more)

    monkeypatch.setattr(starting, "decided", slowly)
    async with serving() as (client, state):
        state.request_s = 0.3
        said = (await From(client, "x").ask(bodied(*(item(n, f"x {n}", soft=False) for n in range(60))))).text
        assert "not finished in time" in said.splitlines()[-1]
        await until(lambda: state.batcher.pending == 0)
        assert state.held.held == 0


# ------------------------------------------------------------------------------------------ bodies that do not come
async def test_a_body_that_crawls_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_READING", 1000)
    monkeypatch.setattr(reading, "SLOW_S", 0.05)
    async with serving() as (client, state):

        async def never() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(3600)

        headers = {"Content-Length": "900"}
        slow = asyncio.create_task(client.post("/v1/verify", content=never(), headers=headers))
        await until(lambda: state.reading == 900)
        await asyncio.sleep(0.1)
        assert (await client.post("/v1/verify", content=bodied(item(1, "x", soft=False)))).status_code == 200
        assert (await slow).status_code == 408
        assert state.reading == 0


async def test_a_body_that_sends_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "STALLED_S", 0.1)
    async with serving() as (client, _):

        async def drip() -> AsyncIterator[bytes]:
            while True:
                yield b""
                await asyncio.sleep(0.01)

        assert (await client.post("/v1/verify", content=drip())).status_code == 408


# ------------------------------------------------------------------------------------------ what is kept
def test_a_memo_is_bounded_by_bytes() -> None:
    memo: Memo[int, str] = Memo(1600)
    for turn in range(1000):
        memo.put(turn, "x", 100)
        memo.put(turn, "y", 100)
    assert (len(memo), memo.bytes) == (16, 1600)
    assert (memo.get(999), memo.get(0)) == ("y", None)
    memo.get(984)
    memo.put(1000, "z", 100)
    assert memo.get(984) == "y", "what is used stays"
    memo.put(1, "too large", 101)
    assert memo.get(1) is None


def test_parameters_are_not_kept_for_good() -> None:
    rules = Rules()
    for turn in range(2000):
        params = {"prompt_to_repeat": f"{turn} {'x' * 19_900}"}
        rules.params(RuleConstraint(text="t", rule="combination:repeat_prompt", params=params), "1")
    assert 0 < rules._params.bytes <= PARAMS_BYTES
    assert len(rules._params) < 600


def test_a_reason_does_not_repeat_a_whole_request() -> None:
    words = tuple(f"w{n}" for n in range(900))
    rule = RuleConstraint(text="t", rule="keywords:existence", params={"keywords": words})
    one = item(1, "x", soft=False)
    asked = one.model_copy(
        update={"instruction": one.instruction.model_copy(update={"constraints": (rule,)})}
    )

    async def found() -> Any:
        verifier = Verifier()
        [answer] = [answer async for answer in verifier.verify([asked])]
        await verifier.close()
        return answer

    answer = asyncio.run(found())
    assert answer.reward.value == 0.0
    assert len(orjson.dumps(answer.model_dump())) < 4000
