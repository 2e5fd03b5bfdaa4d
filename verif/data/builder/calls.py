"""Asking a model once: from the ledger where it was asked before, within the budget, through the judge's own client.

The client brings retries, back-off, deadlines and the strict reading of what a server sends (`verif.core.judge.client`).
Its failures stay failures: a pair whose call failed is neither refused nor built, and the next run asks again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from verif.core.judge.client import JudgeAnswer
from verif.core.judge.judge import Asks
from verif.data.builder.ledger import Call, Ledger
from verif.errors import JudgeError, VerifError
from verif.recipe import BuildModel
from verif.system.files import digest

MOST_FAILURES = 20
"""Calls in a row that may fail before a build ends: the end point is down, and every pair would fail."""
BYTES_PER_TOKEN = 2
"""What is reserved of the budget for a prompt before its tokens are known: more than any tokenizer of prose takes."""
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
    """What this run asked and paid. `reserved` is the most that calls under way may cost."""

    calls: int = 0
    failed: int = 0
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
        most = self._most(model, messages)
        if self.budget is not None and self.ledger.price + self.spending.reserved + most > self.budget:
            raise BudgetSpentError(
                f"the budget of {self.budget:g} is spent: {self.ledger.price:.4f} are paid, and the next call may cost"
                f" {most:.4f}.",
                "What is made is kept; the same command with a larger --budget goes on.",
            )
        self.spending.reserved += most
        begun = time.monotonic()
        try:
            answer = await self._client(model, parameters).judge(messages, seed=seed)
        except JudgeError as error:
            self._failures += 1
            self.spending.failed += 1
            if self._failures >= MOST_FAILURES:
                problem = f"{self._failures} calls in a row failed, the last one so: {error}"
                raise EndPointError(problem, "What is made is kept; the same command goes on.") from None
            raise
        finally:
            self.spending.reserved -= most
        self._failures = 0
        call = _call(key, step, model, answer, time.monotonic() - begun, most)
        self.ledger.put(call)
        self._count(call)
        return call

    def _client(self, model: BuildModel, parameters: dict[str, Any]) -> Asks:
        key = digest([model.name, parameters])
        if key not in self._clients:
            self._clients[key] = self._connect(model, parameters)
        return self._clients[key]

    def _most(self, model: BuildModel, messages: Sequence[dict[str, str]]) -> float:
        size = sum(len(turn["content"].encode("utf-8", "replace")) for turn in messages)
        asked = size / BYTES_PER_TOKEN * model.prompt_price
        return (asked + model.max_tokens * model.completion_price) / MILLION

    def _count(self, call: Call) -> None:
        self.spending.calls += 1
        self.spending.steps[call.step] += 1
        self.spending.prompt_tokens += call.prompt_tokens
        self.spending.completion_tokens += call.completion_tokens
        self.spending.price += call.price


def _call(key: str, step: str, model: BuildModel, answer: JudgeAnswer, seconds: float, most: float) -> Call:
    """The answered call. One whose server does not say what it took costs the `most` that it may have: a budget must end."""
    tokens = answer.prompt_tokens, answer.completion_tokens
    price = (tokens[0] * model.prompt_price + tokens[1] * model.completion_price) / MILLION
    return Call(
        key, step, model.name, answer.text, *tokens, round(seconds, 3), price if any(tokens) else most
    )
