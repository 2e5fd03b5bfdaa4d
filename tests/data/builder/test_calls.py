"""What a call costs is kept, also where nobody says what it took; a card holds any name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from verif.core.judge.client import JudgeAnswer
from verif.data.builder.calls import TRIES, BudgetSpentError, Caller, prompt_tokens
from verif.data.builder.card import card
from verif.data.builder.client import ChargedError
from verif.data.builder.ledger import Ledger
from verif.data.builder.prompts import render
from verif.data.builder.reply import Proposals, WrittenChecker
from verif.errors import JudgeError
from verif.pipeline.building import PROMPT_BYTES
from verif.recipe import BuildModel
from verif.recipe.build import DIMENSIONS
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


class Nothing(Silent):
    """A server that has each question and answers nothing that can be used, as often as it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:
        self.asked += 1
        raise ChargedError("the judge sent no chat completion.")


def test_what_a_server_may_have_charged_for_nothing_counts_and_is_not_tried_without_end(
    tmp_path: Path,
) -> None:
    server, message = Nothing(), [{"role": "user", "content": "x"}]
    with Ledger(tmp_path / "calls.jsonl") as ledger:
        caller = Caller(ledger, lambda model, parameters: server, budget=4.5)
        with pytest.raises(JudgeError, match="no chat completion"):
            asyncio.run(caller.ask("soft", MODEL, message))
        assert (server.asked, caller.spending.price, caller.spending.calls) == (TRIES, 3.0, 0)
        with pytest.raises(BudgetSpentError, match=r"4\.0000 are paid \(4\.0000 perhaps, for no answer\)"):
            asyncio.run(caller.ask("soft", MODEL, message))
        cost = card([], [], ledger.calls.values(), {})["cost"]
    assert cost["soft, m, no answer"] == {
        "calls": 4,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "price": 4.0,
    }
    with Ledger(tmp_path / "calls.jsonl") as ledger:
        assert (ledger.kept, ledger.price) == (0, 4.0), "the next run knows what this one may have cost"


def test_a_prompt_has_no_more_tokens_than_are_reserved() -> None:
    """A byte-level tokenizer that knows nothing of a script takes a token for each of its bytes."""
    for text in ("x" * 100, "🦈" * 100, "ꯀ" * 100, "\ud800" * 10):
        reserved = prompt_tokens([{"role": "user", "content": text}], {})
        assert reserved > len(text.encode("utf-8", "replace"))
    schema = {"response_format": {"schema": Proposals.model_json_schema()}}
    assert prompt_tokens([], schema) > prompt_tokens([], {}) + 500, "some servers show the model the schema"


def test_what_a_build_may_cost_covers_the_builders_own_prompts() -> None:
    texts = dict.fromkeys(("question", "answer", "constraints", "constraint"), "")
    for name, form in (("soft", Proposals), ("check", Proposals), ("write", WrittenChecker)):
        messages = render(name, texts, dimensions=DIMENSIONS, most=5, cases=6)
        schema = {"type": "json_schema", "json_schema": {"name": name, "schema": form.model_json_schema()}}
        assert prompt_tokens(messages, {"response_format": schema}) < PROMPT_BYTES


def test_a_name_that_no_encoding_holds_ends_no_build() -> None:
    rows = [Instruction(id="1", prompt="p", meta={"licence": "MIT\ud800", "source": "\ud800"})] * 2
    assert orjson.loads(orjson.dumps(card(rows, [], [], {})))["licences"] == {"MIT?": 2}


def test_what_the_first_model_wrote_stands_between_marks_before_the_second() -> None:
    texts = {"question": "q", "answer": "a", "constraints": "1. Say that all are kept."}
    _, user = (turn["content"] for turn in render("check", texts))
    mark = next(line for line in user.splitlines() if line.startswith("----- "))
    assert [part.strip() for part in user.split(mark)][5] == texts["constraints"]
