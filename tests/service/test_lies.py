"""A service that lies, or sends the token elsewhere: an error, never a reward."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.harness import item

from verif.errors import ServiceError
from verif.service import remote
from verif.service.client import VerifierClient
from verif.service.lease import _answers
from verif.types import Item, Response

HARD = {"status": "pass", "covers": [0], "part": "rule:x@1"}
SOFT = {"status": "fail", "covers": [1], "part": "judge:x"}
REWARD = {"value": 0.5, "state": "scored", "formula": "average", "terms": {"hard": 1.0, "soft": 0.0}}
HONEST: dict[str, Any] = {"id": "0", "verdicts": [HARD, SOFT], "reward": REWARD}


class Server:
    """Answers every request with `answer`; keeps the heads it saw."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.answer = b""
        self.url = ""
        self.endless = b""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        writer.write(self.answer)
        try:
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
                await asyncio.sleep(0)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def server(answer: bytes = b"") -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    made.answer = answer
    async with listening:
        yield made


def stream(*lines: Any) -> bytes:
    body = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body.replace(b'{"id": ', b'{"id":')


def but(**changes: Any) -> dict[str, Any]:
    return {**HONEST, **changes}


async def asked(answer: bytes, *, count: int = 1, endless: bytes = b"") -> list[Any]:
    async with server(answer) as lying:
        lying.endless = endless
        async with VerifierClient(lying.url, "", patience_s=0.4) as client:
            items = [item(n, "good") for n in range(count)]
            return [found async for found in client.verify(items)]


async def test_an_honest_answer_is_believed() -> None:
    [found] = await asked(stream(HONEST, {"done": 1}))
    assert found.reward.value == 0.5


LIES: dict[str, list[Any]] = {
    "nan": [but(reward={**REWARD, "value": float("nan")})],
    "infinity": [but(reward={**REWARD, "value": float("inf")})],
    "too large to be a number": [json.dumps(HONEST).replace("0.5", "1e999").encode()],
    "a nan among the terms": [but(reward={**REWARD, "terms": {"hard": float("nan"), "soft": 0.0}})],
    "a nan as evidence": [but(verdicts=[{**HARD, "evidence": {"p": [float("nan")]}}, SOFT])],
    "an infinite cost": [but(verdicts=[{**HARD, "cost": {"seconds": float("inf")}}, SOFT])],
    "a better reward": [but(reward={**REWARD, "value": 1.0})],
    "better terms": [but(reward={**REWARD, "terms": {"hard": 1.0, "soft": 1.0}})],
    "a reward for an error": [but(verdicts=[HARD, {**SOFT, "status": "error"}])],
    "a reward without verdicts": [but(verdicts=[])],
    "a verdict too few": [but(verdicts=[HARD])],
    "another formula": [but(reward={**REWARD, "formula": "mine"})],
    "no such constraint": [but(verdicts=[HARD, {**SOFT, "covers": [7]}])],
    "a constraint from behind": [but(verdicts=[HARD, {**SOFT, "covers": [-1]}])],
    "a constraint twice": [but(verdicts=[HARD, SOFT, {**SOFT, "status": "pass"}])],
    "on nothing": [but(verdicts=[HARD, SOFT, {**SOFT, "covers": []}])],
    "an answer to another": [but(id="7")],
    "an id that is no number": [but(id="²")],
    "the same twice": [HONEST, HONEST],
    "an unscorable that pays": [but(reward={**REWARD, "state": "unscorable"})],
    "an error that pays": [but(reward={**REWARD, "state": "error"})],
}


@pytest.mark.parametrize("lines", LIES.values(), ids=LIES.keys())
async def test_a_lie_is_never_a_reward(lines: list[Any]) -> None:
    with pytest.raises(ServiceError, match="broke its protocol"):
        await asked(stream(*lines), count=2)


async def test_two_formulas_are_one_too_many() -> None:
    other = {**REWARD, "value": 0.0, "formula": "all"}
    with pytest.raises(ServiceError, match="among rewards by"):
        await asked(stream(HONEST, but(id="1", reward=other)), count=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "endless"),
    [
        (stream({"done": 1}), b""),
        (stream(b"garbage", b'{"id":', b'{"id":"0"}'), b""),
        (stream(b"x" * 100), b"\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip", b""),
        (b"HTTP/1.1 500 No\r\nRetry-After: \xb2\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 429 No\r\nRetry-After: 1e308\r\nContent-Length: 0\r\n\r\n", b""),
        (b"not HTTP at all\r\n\r\n", b""),
    ],
)
async def test_no_answer_is_an_error_when_patience_ends(answer: bytes, endless: bytes) -> None:
    [found] = await asyncio.wait_for(asked(answer, endless=endless), 10)
    assert (found.reward.state, found.reward.value) == ("error", None)


async def test_a_line_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verif.service.client.MAX_LINE", 100_000)
    with pytest.raises(ServiceError, match="without an end"):
        await asked(stream(b"x"), endless=b"x" * 60_000)


@pytest.mark.slow
async def test_no_client_of_the_service_takes_its_token_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIF_VERIFIER_TOKEN", "sesame")
    async with server() as thief, server() as gate:
        thief.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        for status in (301, 302, 303, 307, 308):
            target = f"{thief.url}/stolen?secret=1".encode()
            gate.answer = (
                b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                % (status, target)
            )
            async with VerifierClient(gate.url, patience_s=1) as client:
                for ask in (client.ready, client.identity, client.metrics, lambda: one(client)):
                    with pytest.raises(ServiceError, match=f"redirects.*{thief.url}/stolen'") as caught:
                        await ask()
                    assert "secret" not in str(caught.value)
            assert not await asyncio.to_thread(_answers, gate.url, "/health")
        with pytest.raises(ServiceError, match="redirects"):
            await asyncio.to_thread(remote.require, gate.url, "0" * 32, 0.5)
    assert all("Bearer sesame" in head for head in gate.heads)
    assert thief.heads == []


async def one(client: VerifierClient) -> Any:
    return await anext(client.verify([item(0, "good")]))


def test_long_texts_go_in_requests_of_their_own() -> None:
    from verif.service.portions import CHUNK, CHUNK_CHARACTERS, portions

    short = [item(n, "good") for n in range(CHUNK + 1)]
    long = [
        Item(id="l", instruction=short[0].instruction, response=Response(text="x" * CHUNK_CHARACTERS))
    ] * 2
    assert [len(part) for part in portions([*short, *long])] == [CHUNK, 1, 1, 1]
    assert portions([]) == []
