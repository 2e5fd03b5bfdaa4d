"""What a judge's server sends over HTTP is a question's error at worst, and leads nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.completions import BEFORE, TOKEN, completion, raw
from support.harness import item

from verif.core.judge.client import JudgeClient
from verif.core.judge.judge import Judge
from verif.system.web import redirected, retry_after
from verif.types import Status


@asynccontextmanager
async def server(answer: bytes, endless: bytes = b"") -> AsyncIterator[tuple[str, list[str]]]:
    heads: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer)
            while endless:
                writer.write(endless)
                await writer.drain()
                await asyncio.sleep(0.001)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", heads


async def status_of(url: str, seconds: float = 0.6) -> tuple[Status, str]:
    client = JudgeClient([url], "judge", deadline_s=seconds)
    judge = Judge(client, template="joint-en", model_digest="x", parameters={})
    try:
        found = await judge.ask(item(1, "good").instruction, "good", (1,))
    finally:
        await client.close()
    return found.status, found.reason


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "endless"),
    [
        *(
            (f"HTTP/1.1 429 No\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n".encode(coding), b"")
            for wait, coding in (("²", "latin-1"), ("²", "utf-8"), ("-1", "ascii"), ("nan", "ascii"), ("1e999", "ascii"))
        ),
        (OK + raw(completion([BEFORE, TOKEN | {"logprob": None}])), b""),
        (OK + b"[" * 200_000, b""),
        (OK.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=klingon\r\n\r\n") + b"\xff", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n", b""),
        (OK, b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b""),
        (b"HTTP/9.9 banana\r\n\r\n", b""),
    ],
)  # fmt: skip
async def test_every_malformed_answer_is_an_error_verdict(answer: bytes, endless: bytes) -> None:
    async with server(answer, endless) as (url, _):
        status, reason = await asyncio.wait_for(status_of(url), 15)
    assert status is Status.ERROR
    assert reason


async def test_a_redirect_is_not_followed_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIF_JUDGE_API_KEY", "top-secret")
    async with server(OK + raw(completion())) as (thief, stolen):
        go = f"HTTP/1.1 307 Go\r\nLocation: {thief}/chat/completions?k=v\r\nContent-Length: 0\r\n\r\n"
        async with server(go.encode()) as (gate, seen):
            status, reason = await status_of(gate, 5.0)
    assert status is Status.ERROR
    assert f"redirects (HTTP 307) to '{thief}/chat/completions'" in reason
    assert "top-secret" in seen[0]
    assert stolen == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), (" 2.5 ", 2.5), ("999999", 30.0), ("", 0.0), ("²", 0.0), ("٣", 0.0), ("-1", 0.0), ("1e999", 0.0),
     ("inf", 0.0), ("nan", 0.0), ("9" * 5000, 0.0), ("Wed, 21 Oct 2099 07:28:00 GMT", 0.0), ("1_0", 0.0)],
)  # fmt: skip
def test_the_wait_that_a_server_asks_for(value: str, seconds: float) -> None:
    assert retry_after(value, 30.0) == seconds


def test_a_redirect_to_nowhere_is_named_too() -> None:
    assert "an address that is none" in redirected(302, "http://a/b", "http://[")
    assert "http://a/c" in redirected(302, "http://a/b", "/c?secret=1#x")
    assert "user" not in redirected(302, "http://a/b", "http://user:pw@b/")
    assert redirected(200, "http://a/b", "http://c") == ""
