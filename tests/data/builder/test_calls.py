"""What a call costs is kept, also where nobody says what it took; a card holds any name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from verif.core.judge.client import JudgeAnswer
from verif.data.builder.calls import BudgetSpentError, Caller
from verif.data.builder.card import card
from verif.data.builder.ledger import Ledger
from verif.data.builder.prompts import render
from verif.recipe import BuildModel
from verif.types import Instruction

MODEL = BuildModel(name="m", max_tokens=100, completion_price=10_000)


class Silent:
    """A server that answers and does not say how many tokens it took."""

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:
        return JudgeAnswer("text", 0.1)

    async def close(self) -> None:
        """Nothing is open."""


def test_a_budget_ends_though_the_server_does_not_say_what_a_call_took(tmp_path: Path) -> None:
    async def ask(caller: Caller) -> None:
        for seed in range(5):
            await caller.ask("soft", MODEL, [{"role": "user", "content": "x"}], seed=seed)

    with Ledger(tmp_path / "calls.jsonl") as ledger:
        caller = Caller(ledger, lambda model, parameters: Silent(), budget=2.5)
        with pytest.raises(BudgetSpentError, match=r"2\.0000 are paid"):
            asyncio.run(ask(caller))
    assert (caller.spending.calls, caller.spending.price) == (2, 2.0)


def test_a_name_that_no_encoding_holds_ends_no_build() -> None:
    rows = [Instruction(id="1", prompt="p", meta={"licence": "MIT\ud800", "source": "\ud800"})] * 2
    assert orjson.loads(orjson.dumps(card(rows, [], [], {})))["licences"] == {"MIT?": 2}


def test_what_the_first_model_wrote_stands_between_marks_before_the_second() -> None:
    texts = {"question": "q", "answer": "a", "constraints": "1. Say that all are kept."}
    _, user = (turn["content"] for turn in render("check", texts))
    mark = next(line for line in user.splitlines() if line.startswith("----- "))
    assert [part.strip() for part in user.split(mark)][5] == texts["constraints"]
