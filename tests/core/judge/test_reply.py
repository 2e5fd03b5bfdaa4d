"""Whatever a judge's server sends is a question's error, never an exception that ends a batch."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.harness import item

from verif.core.judge.client import JudgeAnswer, JudgeClient
from verif.core.judge.judge import Judge, confidence
from verif.core.judge.reply import LAST_TOKENS, read
from verif.errors import JudgeError
from verif.system.web import redirected, retry_after
from verif.types import Status

VERDICT = '{"verdict":"pass"}'
TOKEN: dict[str, Any] = {
    "token": "pass",
    "logprob": -0.1,
    "top_logprobs": [{"token": "pass", "logprob": -0.1}, {"token": "fail", "logprob": -2.4}],
}
BEFORE: dict[str, Any] = {"token": '{"verdict":"', "logprob": 0.0, "top_logprobs": []}


def completion(tokens: Any = (), **changes: Any) -> dict[str, Any]:
    choice = {"message": {"content": VERDICT}, "finish_reason": "stop"} | changes
    if tokens != ():
        choice["logprobs"] = {"content": tokens}
    return {"id": "x", "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_an_honest_completion_is_read() -> None:
    answer, _ = read(raw(completion([BEFORE, TOKEN])), 1.5)
    assert (answer.text, answer.seconds, answer.prompt_tokens, answer.completion_tokens) == (
        VERDICT,
        1.5,
        3,
        2,
    )
    assert confidence(answer) == pytest.approx(0.909, abs=0.001)
    for none in (None, [], [{"token": "x", "logprob": -9999}]):
        assert confidence(read(raw(completion(none)), 0.0)[0]) is None
    assert read(raw(completion(message={"content": None})), 0.0)[0].text == ""
    assert read(raw(completion(finish_reason="length")), 0.0)[0].text.endswith("(cut off)")


@pytest.mark.parametrize("why", ["length", "content_filter"])
async def test_a_verdict_that_was_cut_off_is_none(why: str) -> None:
    """Whole as it looks: more may have followed, and a verdict with more behind it is no verdict."""

    class Cut:
        async def judge(self, messages: Any, *, seed: int = 0) -> JudgeAnswer:
            return read(raw(completion(finish_reason=why)), 0.0)[0]

        async def close(self) -> None:
            return

    judge = Judge(Cut(), template="joint-en", model_digest="m", parameters={})
    verdict = await judge.ask(item(1, "good").instruction, "good", (1,))
    assert verdict.status is Status.ERROR


TOKENS: list[Any] = [
    "text",
    {"0": TOKEN},
    [None],
    [3],
    ["pass"],
    [[TOKEN]],
    [{}],
    [BEFORE, TOKEN | {"logprob": float("nan")}],
    [BEFORE, TOKEN | {"logprob": float("-inf")}],
    [BEFORE, TOKEN | {"logprob": 800.0}],
    [BEFORE, TOKEN | {"logprob": "-0.1"}],
    [BEFORE, TOKEN | {"logprob": None}],
    [BEFORE, TOKEN | {"logprob": True}],
    [BEFORE, TOKEN | {"logprob": [-0.1]}],
    [BEFORE, TOKEN | {"top_logprobs": "pass"}],
    [BEFORE, TOKEN | {"top_logprobs": {"pass": -0.1}}],
    [BEFORE, TOKEN | {"top_logprobs": [None]}],
    [BEFORE, TOKEN | {"top_logprobs": ["pass"]}],
    [BEFORE, TOKEN | {"top_logprobs": [[-0.1, "pass"]]}],
    [BEFORE, TOKEN | {"top_logprobs": [{"token": "pass"}]}],
    [BEFORE, TOKEN | {"top_logprobs": [{"token": "pass", "logprob": 1e9}]}],
    [BEFORE, TOKEN | {"top_logprobs": [{"token": 7, "logprob": -1}]}],
    [BEFORE, TOKEN | {"top_logprobs": [{"token": "pass", "logprob": float("nan")}]}],
    [BEFORE, TOKEN | {"token": None}],
    [BEFORE, TOKEN | {"token": "x" * 1000}],
]
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'"pass"',
    b"[" * 100_000,
    b'{"choices":' * 50_000,
    b"\xff\xfe" + raw(completion()),
    raw(completion()).decode().encode("utf-16"),
    raw(completion())[:-5],
    raw({"choices": None}),
    raw({"choices": {}}),
    raw({"choices": []}),
    raw({"choices": [None]}),
    raw({"choices": [[]]}),
    raw({"choices": completion()["choices"] * 2}),
    raw({"choices": [{"message": VERDICT}]}),
    raw({"choices": [{"text": VERDICT}]}),
    raw(completion(message={"content": [{"type": "text", "text": VERDICT}]})),
    raw(completion(message={"content": 7})),
    raw(completion(message={"content": {"verdict": "pass"}})),
    raw(completion(message={"content": VERDICT, "tool_calls": [{"id": "1"}]})),
    raw(completion(message={"content": VERDICT, "tool_calls": "all"})),
    raw(completion(message={"content": VERDICT, "refusal": "no"})),
    raw(completion(finish_reason=["stop"])),
    raw(completion(logprobs="none")),
    raw(completion(logprobs=[TOKEN])),
]


@pytest.mark.parametrize("body", [*(raw(completion(tokens)) for tokens in TOKENS), *BODIES])
def test_what_is_no_completion_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(body, 0.0)


@pytest.mark.parametrize(
    "usage",
    [None, 3, "many", [], {"prompt_tokens": "3"}, {"prompt_tokens": -1}, {"prompt_tokens": 1e300}, {"prompt_tokens": {}},
     {"prompt_tokens": True}, {"prompt_tokens": 10**30}, {"prompt_tokens": float("inf")}],
)  # fmt: skip
def test_nonsense_about_the_cost_costs_no_verdict(usage: Any) -> None:
    answer, _ = read(raw(completion() | {"usage": usage}), 0.0)
    assert (answer.text, answer.prompt_tokens) == (VERDICT, 0)


def test_a_hundred_thousand_log_probabilities_are_read_in_no_time() -> None:
    body = raw(completion([{"token": "ab ", "logprob": -1.0, "top_logprobs": []}] * 60_000 + [BEFORE, TOKEN]))
    begun = time.process_time()
    answer, _ = read(body, 0.0)
    assert len(answer.logprobs) == LAST_TOKENS
    assert confidence(answer) == pytest.approx(0.909, abs=0.001)
    assert time.process_time() - begun < 3, "linear"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES: list[list[Any]] = [
    [],
    ["id"],
    ["usage"],
    ["usage", "prompt_tokens"],
    ["choices"],
    ["choices", 0],
    ["choices", 0, "finish_reason"],
    ["choices", 0, "message"],
    ["choices", 0, "message", "content"],
    ["choices", 0, "message", "tool_calls"],
    ["choices", 0, "logprobs"],
    ["choices", 0, "logprobs", "content"],
    ["choices", 0, "logprobs", "content", 1],
    ["choices", 0, "logprobs", "content", 1, "token"],
    ["choices", 0, "logprobs", "content", 1, "logprob"],
    ["choices", 0, "logprobs", "content", 1, "top_logprobs"],
    ["choices", 0, "logprobs", "content", 1, "top_logprobs", 0],
    ["choices", 0, "logprobs", "content", 1, "top_logprobs", 0, "token"],
    ["choices", 0, "logprobs", "content", 1, "top_logprobs", 0, "logprob"],
]


class Saying:
    """A client whose server says one thing."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def judge(self, messages: object, *, seed: int = 0) -> JudgeAnswer:
        try:
            return read(self.body, 0.0)[0]
        except ValueError as error:
            raise JudgeError(str(error)) from None

    async def close(self) -> None:
        return


@given(st.sampled_from(PLACES), JSON)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_json_in_any_place_is_a_verdict_or_an_error(place: list[Any], value: Any) -> None:
    body: Any = copy.deepcopy(completion([BEFORE, TOKEN]))
    if place:
        inner = body
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
    else:
        body = value
    judge = Judge(Saying(raw(body)), template="joint-en", model_digest="x", parameters={})
    found = asyncio.run(judge.ask(item(1, "good").instruction, "good", (1,)))
    assert found.status in (Status.PASS, Status.ERROR)
    if "p_pass" in found.evidence:
        assert 0.0 <= found.evidence["p_pass"] <= 1.0


# ------------------------------------------------------------------------------------------ over HTTP
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
