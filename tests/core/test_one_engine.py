"""The same bytes get the same verdict, whichever way they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verif import verify
from verif.audit import second_process
from verif.core.rows import Row, Where, validated
from verif.core.score import score
from verif.core.summary import Summary
from verif.core.verifier import Verifier
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_reference, by_rules, by_truth
from verif.service.app import create_app
from verif.service.batch import Batcher
from verif.types import (
    Instruction,
    Item,
    Reasoning,
    ReferenceConstraint,
    Response,
    RuleConstraint,
    Status,
    Verification,
)

RULES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("punctuation:no_comma", {}),
    ("length_constraints:number_words", {"relation": "at least", "num_words": 3}),
    ("change_case:english_lowercase", {}),
    ("startend:quotation", {}),
)
ASKED = Instruction(
    id="1", prompt="Describe the sea.", constraints=tuple(RuleConstraint(text=r, rule=r, params=p) for r, p in RULES)
)  # fmt: skip

WORDS = st.sampled_from(
    ("", " ", "deep blue", "Deep, blue and cold", "* one\n* two", '"so it is said"', "\n\n", "ok")
)
MARKS = (
    "<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "<|channel>", "<channel|>", "analysis", "<answer>",
    "assistantfinal", "<|channel|>", "<|channel|>final<|message|>", "<|return|>", "</answer>", "<thought>",
)  # fmt: skip
PIECES = st.lists(WORDS | st.sampled_from((*MARKS, "\n", "\ud800")), max_size=5).map("".join)
BLOCKS = st.sampled_from((
    "{}", "<think>{0}</think>{1}", "<think>\n{0}\n</think>\n\n{1}", "{0}</think>{1}", "<think>{0}", "<think>{0}</thi",
    "<think>{0}</think>", "</think>{1}", "<think>{0}</think><think>{1}</think>{1}", "{0}<think>{1}</think>{0}",
))  # fmt: skip
RESPONSES = PIECES | st.builds(lambda block, a, b: block.format(a, b), BLOCKS, WORDS, WORDS)
FORMATS = st.sampled_from(get_args(Reasoning))
Found = list[tuple[Status, str]]


def of(found: Verification) -> Found:
    return [(v.status, v.reason) for v in found.verdicts]


async def first(answers: AsyncIterator[Any]) -> Any:
    found = [answer async for answer in answers]
    return found[0]


def row(response: str) -> Row:
    where = Where("a file", 1)
    return Row(where, "1", ASKED.prompt, ASKED, validated(ASKED, where), response)


def everywhere(response: Response, *, reasoning: Reasoning) -> dict[str, Found]:
    """The verdicts of every way in, by its name."""
    item = Item(id="1", instruction=ASKED, response=response)
    verifier = Verifier(reasoning=reasoning)

    async def asked() -> dict[str, Found]:
        batcher = Batcher(Verifier(reasoning=reasoning))
        rules = second_process.RulesOnly(reasoning=reasoning)
        return {
            "Verifier": of(await first(verifier.verify([item]))),
            "service": of((await first(batcher.verify([item], cache=False, complete=True)))[0]),
            "second process": of(await first(rules.verify([item]))),
        }

    (scored,) = score([row(response.text)], reasoning=reasoning)
    answer = Generation(response.text, finished=response.finished)
    case = Case(ASKED)
    rows = by_rules(blank("b", "m", "t1", case, answer), case, answer, reasoning=reasoning)
    return {
        "verify": of(verify(ASKED, response, reasoning=reasoning)),
        "score": [(v.status, v.reason) for v in scored.verdicts],
        "evaluation": [(Status(r.status), r.reason) for r in rows if r.variant == "strict"],
        **asyncio.run(asked()),
    }


@pytest.mark.slow
@given(RESPONSES, st.booleans(), FORMATS)
@example("<think>First, blue, then deep.</think>The deep blue sea", True, "auto")
@example("<think>First, blue", True, "auto")
@example("", True, "auto")
@settings(deadline=None, max_examples=60)
def test_all_ways_in_agree_verdict_by_verdict(text: str, finished: bool, reasoning: Reasoning) -> None:
    found = everywhere(Response(text=text, finished=finished), reasoning=reasoning)
    assert all(verdicts == found["verify"] for verdicts in found.values()), found


@given(RESPONSES, FORMATS)
@settings(deadline=None, max_examples=60)
def test_loose_verdicts_agree_and_never_take_a_pass_away(text: str, reasoning: Reasoning) -> None:
    (strict,) = score([row(text)], reasoning=reasoning)
    (loose,) = score([row(text)], loose=True, reasoning=reasoning)
    case, answer = Case(ASKED), Generation(text)
    rows = by_rules(blank("b", "m", "t1", case, answer), case, answer, reasoning=reasoning)
    kept = [(r.status, r.reason) for r in rows if r.variant == "loose"]
    assert kept == [(v.status, v.reason) for v in loose.verdicts]
    for before, after in zip(strict.verdicts, loose.verdicts, strict=True):
        assert before.status == after.status or (before.status, after.status) == (Status.FAIL, Status.PASS)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("<think>Blue, deep, cold.</think>the deep blue sea", "pass"),
        ("Blue, deep, cold.</think>the deep blue sea", "pass"),
        ("<think>blue and deep", "unscorable"),
        ("<think>a</think><think>b</think>c", "unscorable"),
        ("<think>a</think>\n", "unscorable"),
        ("", "unscorable"),
    ],
)
def test_an_answer_is_what_stands_behind_the_reasoning(text: str, status: str) -> None:
    found = everywhere(Response(text=text), reasoning="auto")
    assert {name: verdicts[0][0].value for name, verdicts in found.items()} == dict.fromkeys(found, status)


def test_an_empty_response_counts_as_not_followed() -> None:
    (scored,) = score([row("")])
    summary = Summary()
    summary.add(scored)
    assert scored.followed is False
    assert summary.total() == {Status.UNSCORABLE: 4}
    assert verify(ASKED, "").followed(4) is False


async def test_the_service_says_the_same_over_http() -> None:
    texts = ("<think>Blue, deep.</think>the deep blue sea", "<think>blue", "", "a, b, c")
    items = [Item(id=str(n), instruction=ASKED, response=Response(text=t)) for n, t in enumerate(texts)]
    transport = httpx.ASGITransport(app=create_app(Verifier(), probes=[items[0]]))
    async with httpx.AsyncClient(transport=transport, base_url="http://verifier") as client:
        said = await client.post("/v1/verify", json={"items": [i.model_dump(mode="json") for i in items]})
    lines = [orjson.loads(line) for line in said.text.splitlines()]
    served = {
        v.id: of(v) for v in (Verification.model_validate(line) for line in lines if "verdicts" in line)
    }
    assert served == {item.id: of(verify(ASKED, item.response)) for item in items}


@pytest.mark.parametrize("reasoning", ["auto", "think"])
def test_truth_and_references_look_at_the_same_answer(reasoning: Reasoning) -> None:
    asked = Instruction(id="1", prompt="p", constraints=(ReferenceConstraint(text="Say it.", answer="42"),))
    case = Case(asked, labels={"reference": "E2E"})

    def statuses(text: str, judge: Any) -> set[str]:
        answer = Generation(text)
        rows = judge(blank("b", "m", "t1", case, answer), case, answer, reasoning=reasoning)
        return {str(found.status) for found in rows}

    unfinished = "<think>it is 42"
    assert (
        statuses(unfinished, by_reference)
        == statuses("42" if reasoning == "think" else "", by_reference)
        == {"unscorable"}
    )
    assert statuses("<think>42?</think>41", by_reference) == statuses("x</think>41", by_reference) == {"fail"}
    world = Case(ASKED.model_copy(update={"meta": {}}))
    found = by_truth(
        blank("b", "m", "t1", world, Generation(unfinished)),
        world,
        Generation(unfinished),
        reasoning=reasoning,
    )
    assert {str(one.status) for one in found} == {"unscorable"}
