"""What one client may cost the others: nothing but its share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import psutil
import pytest
from harness import Service, item
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.bounded import Memo
from verif.hard import PARAMS_BYTES, Rules
from verif.joined import Verifier
from verif.judge.limit import OWNER, AdaptiveLimit
from verif.service import app as service
from verif.service import limits, reading
from verif.service.app import State, create_app
from verif.service.places import Places
from verif.service.scan import STEP, values
from verif.types import Item, RuleConstraint


def post(url: str, body: bytes, timeout: float = 30) -> tuple[int, str]:
    """Over a connection that stays open, as a client's does."""
    with httpx.Client(timeout=timeout) as client:
        answer = client.post(f"{url}/v1/verify", content=body)
        return answer.status_code, answer.text


def bodied(*items: Item) -> bytes:
    return b'{"items": [%s]}' % b",".join(one.model_dump_json().encode() for one in items)


def stuffed(pattern: bytes, size: int) -> bytes:
    """A request whose `meta` holds the pattern over and over."""
    whole = bodied(item(1, "x", soft=False)).replace(b'"meta":{}', b'"meta":{"k":[%]}')
    return whole.replace(b"%", (pattern * (size // len(pattern))).rstrip(b","))


@contextlib.contextmanager
def watched(running: Service) -> Iterator[dict[str, float]]:
    """The longest silence of `/health`, and the memory it grew by."""
    process = psutil.Process(running.process.pid)
    before, stop = process.memory_info().rss, threading.Event()
    found = {"silent_s": 0.0, "grown_mb": 0.0}

    def probe() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            urllib.request.urlopen(f"{running.url}/health", timeout=60).close()
            found["silent_s"] = max(found["silent_s"], time.monotonic() - begun)
            found["grown_mb"] = max(found["grown_mb"], (process.memory_info().rss - before) / 2**20)
            time.sleep(0.005)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        yield found
    finally:
        stop.set()
        prober.join()


# ------------------------------------------------------------------------------------------ what a body holds
@pytest.mark.parametrize("pattern", [b'{"":{}},', b"[],", b"0,", b'"",'])
def test_a_body_of_millions_of_values_is_refused_before_it_is_parsed(
    running: Service, pattern: bytes
) -> None:
    with watched(running) as found:
        status, said = post(running.url, stuffed(pattern, 15 << 20))
    assert (status, "values" in said) == (413, True)
    assert found["silent_s"] < 2, "twelve seconds before"
    assert found["grown_mb"] < 150, "2.8 GB before"


def test_the_longest_text_is_read_while_others_are_answered(running: Service) -> None:
    long = item(1, '\n\u2028"' * (limits.MAX_TEXT // 3 - 1) + "x", soft=False)
    with watched(running) as found:
        status, said = post(running.url, bodied(long))
    assert status == 200, said
    assert found["silent_s"] < 2


def test_a_text_of_too_much_work_names_its_item(running: Service) -> None:
    one = item(7, "x" * 2_000_000, soft=False)
    many = one.instruction.model_copy(update={"constraints": one.instruction.constraints * 40})
    status, said = post(running.url, bodied(item(1, "ok"), one.model_copy(update={"instruction": many})))
    assert (status, "'7'" in said, "40 rules may read" in said) == (422, True, True)
    status, said = post(running.url, bodied(item(7, "x" * (limits.MAX_TEXT + 1))))
    assert (status, "'7'" in said, "longer than" in said) == (422, True, True)


def test_a_body_over_the_bound_is_told_so(running: Service) -> None:
    status, said = post(running.url, b"[" * (limits.MAX_BODY + 1))
    assert (status, str(limits.MAX_BODY) in said) == (413, True)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_values_are_counted_as_a_parser_would_make_them(value: Any) -> None:
    def made(value: Any) -> int:
        inner = (
            list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
        )
        return 0 if inner is None else 1 + max(0, len(inner) - 1) + sum(map(made, inner))

    assert values(json.dumps(value).encode(), 10**9) == made(value)


@pytest.mark.parametrize("shift", range(4))
def test_steps_do_not_cut_escapes(shift: int) -> None:
    text = json.dumps(["x" * (STEP - 8 + shift) + '\\"' * 3 + ",,[{", 1, "\\"]).encode()
    assert values(text, 10**9) == 3
    assert values(b"[" * (3 * STEP), 10) > 10


# ------------------------------------------------------------------------------------------ connections
def raw(running: Service, *pieces: bytes, source: str = "127.0.0.1") -> socket.socket:
    port = int(running.url.rsplit(":", 1)[1])
    made = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
    with contextlib.suppress(OSError):
        for piece in pieces:
            made.sendall(piece)
    return made


def answered(made: socket.socket) -> bytes:
    with contextlib.suppress(OSError):
        return made.recv(4096)
    return b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nX: " + b"x" * (1 << 20),
        b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
        b"GET /" + b"x" * (1 << 20),
        b"POST /v1/verify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n0\r\nX: "
        + b"x" * (1 << 20),
        b"POST /v1/verify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * (1 << 20),
    ],
    ids=["value", "fields", "path", "trailer", "extension"],
)
def test_what_stands_around_a_body_is_bounded(running: Service, head: bytes) -> None:
    with raw(running, head) as made:
        got = answered(made)
        assert not got or got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 4"))
        assert answered(made) == b"", "closed"


def test_a_server_does_not_say_what_it_is(running: Service) -> None:
    with urllib.request.urlopen(f"{running.url}/health", timeout=5) as answer:
        assert "server" not in {name.lower() for name in answer.headers}


def test_half_a_head_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    from verif.service import protocol

    monkeypatch.setattr(protocol, "HEAD_S", 0.3)

    async def scenario() -> None:
        app = create_app(Verifier(), probes=[item(0, "x", soft=False)])
        server = uvicorn.Server(
            uvicorn.Config(
                app, http=protocol.protocol(4), ws="none", port=0, log_level="error", server_header=False
            )
        )
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        port = listener.getsockname()[1]
        halves = [b"", b"GET /he", b"GET /health HTTP/1.1\r\n\r\nGET /he"]
        made = [await asyncio.open_connection("127.0.0.1", port) for _ in halves]
        more, refused = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            assert await more.read() == b"", "a peer has three quarters of four"
        for half, (reader, writer) in zip(halves, made, strict=True):
            writer.write(half)
            with contextlib.suppress(OSError):
                got = await asyncio.wait_for(reader.read(), 10)
                assert got.count(b"alive") == half.count(b"HTTP")
        for _, writer in [*made, (more, refused)]:
            writer.close()
        server.should_exit = True
        await serving

    asyncio.run(scenario())


def test_slow_bodies_refuse_nobody(running: Service) -> None:
    head = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n[" % limits.MAX_BODY
    slow = [raw(running, head) for _ in range(12)]
    try:
        time.sleep(reading.SLOW_S + 0.3)
        begun = time.monotonic()
        assert post(running.url, bodied(item(1, "good", soft=False)))[0] == 200
        large = bodied(item(2, "x" * 2_000_000, soft=False))
        assert post(running.url, large)[0] == 200, "one that crawls gives way"
        assert time.monotonic() - begun < reading.STALLED_S, "before they are refused anyway"
        assert b"HTTP/1.1 408" in b"".join(answered(one) for one in slow[:4])
    finally:
        for one in slow:
            one.close()


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
async def serving(**options: Any) -> AsyncIterator[tuple[httpx.AsyncClient, State]]:
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
    real = Rules.verdict

    def counted(self: Rules, *args: Any) -> Any:
        nonlocal begun
        begun += 1
        time.sleep(0.03)
        return real(self, *args)

    monkeypatch.setattr(Rules, "verdict", counted)
    items = [item(n, f"x {n}", soft=False) for n in range(300)]
    answers = batcher.verify(items, cache=True, complete=False)
    reader = asyncio.create_task(anext(answers))  # type: ignore[arg-type]
    await until(lambda: begun > 2)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await until(lambda: batcher.pending == 0)
    assert begun < 50, "of 300"
    await verifier.close()


async def test_a_request_that_is_not_finished_in_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Rules.verdict

    def slowly(self: Rules, *args: Any) -> Any:
        time.sleep(0.1)
        return real(self, *args)

    monkeypatch.setattr(Rules, "verdict", slowly)
    async with serving() as (client, state):
        state.request_s = 0.3
        said = (await From(client, "x").ask(bodied(*(item(n, f"x {n}", soft=False) for n in range(60))))).text
        assert "not finished in time" in said.splitlines()[-1]
        await until(lambda: state.batcher.pending == 0)
        assert state.held.held == 0


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
    for turn in range(400):
        params = {"end_phrase": f"{turn} {'x' * 100_000}"}
        rules.params(RuleConstraint(text="t", rule="startend:end_checker", params=params), "1")
    assert 0 < rules._params.bytes <= PARAMS_BYTES
    assert len(rules._params) < 120


def test_a_reason_does_not_repeat_a_whole_request() -> None:
    words = tuple(f"w{n}" for n in range(2000))
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
