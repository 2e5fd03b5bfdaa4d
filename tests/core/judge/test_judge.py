"""What a judge is asked with, what its verdicts are kept under, and what they are worth when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.harness import recipe

from verif.core.judge.client import JudgeAnswer
from verif.core.judge.judge import Judge, judge_part, sampling
from verif.service.build import SMALL_VARIABLE, build
from verif.types import Instruction, RuleConstraint, SoftConstraint


def test_the_schema_goes_only_to_a_server_that_lets_the_judge_reason_first() -> None:
    assert "response_format" not in sampling("joint-en", 4096), "it would hold from the first token"
    assert sampling("joint-en", 4096, "deepseek_r1")["response_format"]["type"] == "json_schema"
    assert "response_format" not in sampling("local", 64, "deepseek_r1")


def test_a_judge_with_a_parser_is_another_judge() -> None:
    parameters = sampling("joint-en", 64, "deepseek_r1")
    parts = {judge_part("m", "joint-en", parameters, "", parser) for parser in ("", "deepseek_r1", "qwen3")}
    assert len(parts) == 3


class Listens:
    """A client that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def judge(self, messages: Any, *, seed: int = 0) -> JudgeAnswer:
        self.asked.append(messages)
        return JudgeAnswer('{"verdict":"pass"}', 0.0)

    async def close(self) -> None:
        return


async def test_the_key_tells_apart_what_the_prompt_tells_apart() -> None:
    """The marker is made of all constraints, so a rule the judge never reads changes what it reads."""
    soft = SoftConstraint(text="Be calm.")
    alone = Instruction(id="1", prompt="Write.", constraints=(soft,))
    rule = RuleConstraint(text="No commas.", rule="punctuation:no_comma")
    beside = alone.model_copy(update={"constraints": (soft, rule)})
    client = Listens()
    judge = Judge(client, template="joint-en", model_digest="m", parameters={})
    for instruction in (alone, beside, alone):
        await judge.ask(instruction, "A boat.", (0,))
    assert client.asked[0] == client.asked[2] != client.asked[1]
    assert judge.key(alone, "A boat.", (0,)) != judge.key(beside, "A boat.", (0,))
    renamed = alone.model_copy(update={"id": "2"})
    assert judge.key(alone, "A boat.", (0,)) == judge.key(renamed, "A boat.", (0,))


def test_everything_the_judge_reads_is_in_the_key() -> None:
    """A system message that is left out would give one persona's verdicts to another."""
    plain = Instruction(
        id="1",
        prompt="Write.",
        system="Be brief.",
        constraints=(SoftConstraint(text="a"), SoftConstraint(text="b")),
    )
    judge = Judge(Listens(), template="each-en", model_digest="m", parameters={})
    keys = [
        judge.key(plain, "A boat.", (0,)),
        judge.key(plain, "A boat.", (1,)),
        judge.key(plain, "A ship.", (0,)),
        judge.key(plain.model_copy(update={"system": "Be long."}), "A boat.", (0,)),
        judge.key(plain.model_copy(update={"prompt": "Sing."}), "A boat.", (0,)),
    ]
    keys += [
        Judge(Listens(), template="each-en", model_digest="m", parameters=other).key(plain, "A boat.", (0,))
        for other in ({"temperature": 1}, {"max_tokens": 5})
    ]
    assert len(set(keys)) == len(keys)


@asynccontextmanager
async def hears_keys() -> AsyncIterator[tuple[str, set[str]]]:
    """A judge's base URL, and the authorization that its requests carried."""
    keys: set[str] = set()

    async def chat(request: web.Request) -> web.Response:
        keys.add(request.headers.get("Authorization", ""))
        message = {"role": "assistant", "content": '{"verdict":"pass"}'}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", keys
    finally:
        await runner.cleanup()


async def keys_sent(large_url: str, small_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question to a cascade; the small judge knows no probability, so both are asked."""
    monkeypatch.setenv(SMALL_VARIABLE, small_url)
    chosen = recipe(cascade={"digest": "small"})
    verifier = build(chosen, judge_url=large_url, judge_model=None, state=folder, cache=False)
    instruction = Instruction(id="1", prompt="Write.", constraints=(SoftConstraint(text="Be calm."),))
    await verifier.judge.ask(instruction, "A boat.", (0,))
    await verifier.close()


async def test_the_small_judge_never_sees_the_key_of_the_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIF_JUDGE_API_KEY", "large")
    async with hears_keys() as (large_url, large), hears_keys() as (small_url, small):
        await keys_sent(large_url, small_url, tmp_path, monkeypatch)
        assert (large, small) == ({"Bearer large"}, {""})
        small.clear()
        monkeypatch.setenv("VERIF_SMALL_JUDGE_API_KEY", "small")
        await keys_sent(large_url, small_url, tmp_path, monkeypatch)
        assert (large, small) == ({"Bearer large"}, {"Bearer small"})
        monkeypatch.delenv("VERIF_SMALL_JUDGE_API_KEY")
        await keys_sent(large_url, large_url, tmp_path, monkeypatch)
        assert large == {"Bearer large"}, "one server, one key"
