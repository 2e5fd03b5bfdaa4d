"""Asking a model once: from the ledger where it was asked before, within the budget, through the judge's own client.

The client brings retries, back-off, deadlines and the strict reading of what a server sends (`verif.data.builder.client`).
Its failures stay failures: a pair whose call failed is neither refused nor built, and the next run asks again. A call that
gave nothing and may be charged counts against the budget as if it had cost the most that it could.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from verif.core.judge.client import JudgeAnswer
from verif.core.judge.judge import Asks
from verif.data.builder.client import ChargedError
from verif.data.builder.ledger import Call, Ledger
from verif.errors import JudgeError, VerifError
from verif.recipe import BuildModel
from verif.system.files import digest

MOST_FAILURES = 20
"""Calls in a row that may fail before a build ends: the end point is down, and every pair would fail."""
TRIES = 3
"""Of one question in one run, where each may be charged and gave nothing."""
TEMPLATE_TOKENS = 256
"""Reserved for what a server's chat template adds to the messages."""
MILLION = 1_000_000

Connect = Callable[[BuildModel, Mapping[str, Any]], Asks]
"""A client for a model with request parameters; given by whoever knows the address."""


T = TypeVar("T")
R = TypeVar("R")
Told = Callable[[int, int], None]
"""Told of each piece of work that is done: how many, of how many."""


class BudgetSpentError(VerifError):
    """The next call could cost more than is left."""

    exit_code = 1


class EndPointError(VerifError):
    """So many calls failed in a row that the model's end point must be down."""

    exit_code = 1


@dataclass(slots=True)
class Spending:
    """What this run asked and paid. `reserved` is the most that calls under way may cost.

    `failed` counts questions without an answer, `lost` the tries among them that may be charged; `price` has both.
    """

    calls: int = 0
    failed: int = 0
    lost: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    price: float = 0.0
    reserved: float = 0.0
    steps: Counter[str] = field(default_factory=Counter)


async def worked(items: Sequence[T], work: Callable[[T], Awaitable[R]], at_once: int, told: Told) -> list[R]:
    """The work on each item, so many at a time; results stand in the order of the items."""
    gate, done = asyncio.Semaphore(at_once), 0

    async def gated(item: T) -> R:
        nonlocal done
        async with gate:
            result = await work(item)
        done += 1
        told(done, len(items))
        return result

    return await asyncio.gather(*map(gated, items))


class Caller:
    """Calls of one build; use within one event loop, and `close` at the end."""

    def __init__(self, ledger: Ledger, connect: Connect, budget: float | None = None) -> None:
        self.ledger, self.budget, self.spending = ledger, budget, Spending()
        self._connect = connect
        self._clients: dict[str, Asks] = {}
        self._under_way: dict[str, asyncio.Future[Call]] = {}
        self._failures = 0

    async def ask(
        self,
        step: str,
        model: BuildModel,
        messages: Sequence[dict[str, str]],
        schema: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> str:
        """The model's text; `JudgeError` where there was none, `BudgetSpentError` where it may not be asked."""
        parameters = self._parameters(step, model, schema)
        key = digest([model.name, list(messages), parameters, seed])
        if (known := self.ledger.get(key)) is not None:
            return known.text
        if (running := self._under_way.get(key)) is not None:  # two pairs may ask the same
            return (await asyncio.shield(running)).text
        future: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        try:
            call = await self._paid(key, step, model, messages, parameters, seed)
            future.set_result(call)
            return call.text
        except BaseException as error:
            future.set_exception(
                error if isinstance(error, VerifError) else JudgeError("the build was ended.")
            )
            future.exception()  # seen, where nobody waits for it
            raise
        finally:
            del self._under_way[key]

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    def _parameters(self, step: str, model: BuildModel, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        parameters: dict[str, Any] = {"temperature": model.temperature, "max_tokens": model.max_tokens}
        if schema is not None:
            named = {"name": step, "schema": schema, "strict": True}
            parameters["response_format"] = {"type": "json_schema", "json_schema": named}
        return parameters

    async def _paid(
        self, key: str, step: str, model: BuildModel, messages: Sequence[dict[str, str]],
        parameters: dict[str, Any], seed: int,
    ) -> Call:  # fmt: skip
        most = prompt_tokens(messages, parameters), model.max_tokens
        why: JudgeError = JudgeError("the model was not asked.")
        for _ in range(TRIES):
            try:
                return await self._tried(key, step, model, messages, parameters, seed, most)
            except ChargedError as error:
                self._lose(key, step, model, most)
                why = error
            except JudgeError as error:
                why = error
                break
        self._failures += 1
        self.spending.failed += 1
        if self._failures >= MOST_FAILURES:
            problem = f"{self._failures} calls in a row failed, the last one so: {why}"
            raise EndPointError(problem, "What is made is kept; the same command goes on.")
        raise why

    async def _tried(
        self, key: str, step: str, model: BuildModel, messages: Sequence[dict[str, str]],
        parameters: dict[str, Any], seed: int, most: tuple[int, int],
    ) -> Call:  # fmt: skip
        price = priced(model, *most)
        if self.budget is not None and self.ledger.price + self.spending.reserved + price > self.budget:
            perhaps = f" ({self.ledger.lost:.4f} perhaps, for no answer)" if self.ledger.lost else ""
            raise BudgetSpentError(
                f"the budget of {self.budget:g} is spent: {self.ledger.price:.4f} are paid{perhaps}, and the next call may"
                f" cost {price:.4f}.",
                "What is made is kept; the same command with a larger --budget goes on.",
            )
        self.spending.reserved += price
        begun = time.monotonic()
        try:
            answer = await self._client(model, parameters).judge(messages, seed=seed)
        finally:
            self.spending.reserved -= price
        self._failures = 0
        call = _call(key, step, model, answer, time.monotonic() - begun, most)
        self.ledger.put(call)
        self._count(call)
        return call

    def _lose(self, key: str, step: str, model: BuildModel, most: tuple[int, int]) -> None:
        """Keep that a try gave nothing; its key is its own, so that the question is asked again."""
        number = 1
        while self.ledger.get(own := digest([key, "no answer", number])) is not None:
            number += 1
        call = Call(own, step, model.name, "", 0, 0, 0.0, priced(model, *most), answered=False)
        self.ledger.put(call)
        self.spending.lost += 1
        self.spending.price += call.price

    def _client(self, model: BuildModel, parameters: dict[str, Any]) -> Asks:
        key = digest([model.name, parameters])
        if key not in self._clients:
            self._clients[key] = self._connect(model, parameters)
        return self._clients[key]

    def _count(self, call: Call) -> None:
        self.spending.calls += 1
        self.spending.steps[call.step] += 1
        self.spending.prompt_tokens += call.prompt_tokens
        self.spending.completion_tokens += call.completion_tokens
        self.spending.price += call.price


def prompt_tokens(messages: Sequence[dict[str, str]], parameters: Mapping[str, Any]) -> int:
    """More tokens than a prompt can have: a byte is at most one token, and a server may show the model the schema, too."""
    written = sum(len(turn["content"].encode("utf-8", "replace")) for turn in messages)
    return written + len(orjson.dumps(parameters.get("response_format"))) + TEMPLATE_TOKENS


def priced(model: BuildModel, prompt: int, completion: int) -> float:
    """What so many tokens cost."""
    return (prompt * model.prompt_price + completion * model.completion_price) / MILLION


def _call(
    key: str, step: str, model: BuildModel, answer: JudgeAnswer, seconds: float, most: tuple[int, int]
) -> Call:
    """The answered call. What its server does not say costs the `most` that it may have been: a budget must end."""
    tokens = answer.prompt_tokens, answer.completion_tokens
    counted = [said or bound for said, bound in zip(tokens, most, strict=True)]
    return Call(key, step, model.name, answer.text, *tokens, round(seconds, 3), priced(model, *counted))
