"""Whatever a judge's server sends is a question's error, never an exception that ends a batch."""

from __future__ import annotations

import asyncio
import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.completions import BEFORE, TOKEN, VERDICT, completion, raw
from support.harness import item

from verif.core.judge.client import JudgeAnswer
from verif.core.judge.judge import Judge, confidence
from verif.core.judge.reply import LAST_TOKENS, read
from verif.errors import JudgeError
from verif.types import Status


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


@pytest.mark.slow
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


@pytest.mark.slow
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
