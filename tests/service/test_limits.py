"""What one client may cost the others: nothing but its share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.harness import Service, item

from verif.core.verifier import Verifier
from verif.service import limits, reading
from verif.service.app import create_app
from verif.service.scan import STEP, values
from verif.types import Item


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
@pytest.mark.slow
@pytest.mark.parametrize("pattern", [b'{"":{}},', b"0,"])
def test_a_body_of_millions_of_values_is_refused_before_it_is_parsed(
    running: Service, pattern: bytes
) -> None:
    with watched(running) as found:
        status, said = post(running.url, stuffed(pattern, 15 << 20))
    assert (status, "values" in said) == (413, True)
    assert found["silent_s"] < 2, "twelve seconds before"
    assert found["grown_mb"] < 150, "2.8 GB before"


@pytest.mark.slow
def test_the_longest_text_is_read_while_others_are_answered(running: Service) -> None:
    long = item(1, '\n\u2028"' * (limits.MAX_TEXT // 3 - 1) + "x", soft=False)
    with watched(running) as found:
        status, said = post(running.url, bodied(long))
    assert status == 200, said
    assert found["silent_s"] < 2


@pytest.mark.slow
def test_a_text_of_too_much_work_names_its_item(running: Service) -> None:
    one = item(7, "x" * 2_000_000, soft=False)
    many = one.instruction.model_copy(update={"constraints": one.instruction.constraints * 40})
    status, said = post(running.url, bodied(item(1, "ok"), one.model_copy(update={"instruction": many})))
    assert (status, "'7'" in said, "40 rules may read" in said) == (422, True, True)
    status, said = post(running.url, bodied(item(7, "x" * (limits.MAX_TEXT + 1))))
    assert (status, "'7'" in said, "longer than" in said) == (422, True, True)


@pytest.mark.slow
def test_a_body_over_the_bound_is_told_so(running: Service) -> None:
    status, said = post(running.url, b"[" * (limits.MAX_BODY + 1))
    assert (status, str(limits.MAX_BODY) in said) == (413, True)


LEAF = st.none() | st.integers() | st.text(max_size=6)


@pytest.mark.slow
@given(
    st.recursive(
        LEAF,
        lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=6), x, max_size=3),
        max_leaves=8,
    )
)
@settings(max_examples=60, deadline=None, derandomize=True)
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


@pytest.mark.slow
def test_half_a_head_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    from verif.service import protocol

    monkeypatch.setattr(protocol, "HEAD_S", 0.3)

    async def read(made: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
        found = b""
        with contextlib.suppress(OSError):
            while piece := await made[0].read(4096):
                found += piece
        return found

    async def scenario() -> None:
        app = create_app(Verifier(), probes=[item(0, "x", soft=False)])
        server = uvicorn.Server(
            uvicorn.Config(
                app, http=protocol.protocol(4), ws="none", port=0, log_level="error", timeout_keep_alive=1
            )
        )
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        port = listener.getsockname()[1]
        halves = [b"", b"GET /he", b"GET /health HTTP/1.1\r\n\r\nGET /he"]
        made = [await asyncio.open_connection("127.0.0.1", port) for _ in halves]
        for half, (_, writer) in zip(halves, made, strict=True):
            writer.write(half)
        more, refused = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            assert await more.read() == b"", "a peer has three quarters of four"
        got = await asyncio.wait_for(asyncio.gather(*(read(one) for one in made)), 10)
        assert [one.count(b"alive") for one in got] == [0, 0, 1]
        for _, writer in [*made, (more, refused)]:
            writer.close()
        server.should_exit = True
        await serving

    asyncio.run(scenario())


@pytest.mark.slow
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
