"""The same bytes get the same verdict, whichever way they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verif import verify
from verif.audit import second_process
from verif.core.rows import Row, Where, validated
from verif.core.score import Summary, score
from verif.core.verifier import Verifier
from verif.evaluation.case import Case, Generation
from verif.evaluation.judging import blank, by_reference, by_rules, by_truth
from verif.service.app import create_app
from verif.service.batch import Batcher
from verif.types import Instruction, Item, ReferenceConstraint, Response, RuleConstraint, Status, Verification

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
PIECES = st.lists(WORDS | st.sampled_from(("<think>", "</think>", "\n", "\ud800")), max_size=5).map("".join)
BLOCKS = st.sampled_from((
    "{}", "<think>{0}</think>{1}", "<think>\n{0}\n</think>\n\n{1}", "{0}</think>{1}", "<think>{0}", "<think>{0}</thi",
    "<think>{0}</think>", "</think>{1}", "<think>{0}</think><think>{1}</think>{1}", "{0}<think>{1}</think>{0}",
))  # fmt: skip
RESPONSES = PIECES | st.builds(lambda block, a, b: block.format(a, b), BLOCKS, WORDS, WORDS)
Found = list[tuple[Status, str]]


def of(found: Verification) -> Found:
    return [(v.status, v.reason) for v in found.verdicts]


async def first(answers: AsyncIterator[Any]) -> Any:
    found = [answer async for answer in answers]
    return found[0]


def row(response: str) -> Row:
    where = Where("a file", 1)
    return Row(where, "1", ASKED.prompt, ASKED, validated(ASKED, where), response)


def everywhere(response: Response, *, thinks: bool) -> dict[str, Found]:
    """The verdicts of every way in, by its name."""
    item = Item(id="1", instruction=ASKED, response=response)
    verifier = Verifier(policy_thinks=thinks)

    async def asked() -> dict[str, Found]:
        batcher = Batcher(Verifier(policy_thinks=thinks))
        rules = second_process.RulesOnly(policy_thinks=thinks)
        return {
            "Verifier": of(await first(verifier.verify([item]))),
            "service": of((await first(batcher.verify([item], cache=False, complete=True)))[0]),
            "second process": of(await first(rules.verify([item]))),
        }

    (scored,) = score([row(response.text)], policy_thinks=thinks)
    answer = Generation(response.text, finished=response.finished)
    case = Case(ASKED)
    rows = by_rules(blank("b", "m", "t1", case, answer), case, answer, policy_thinks=thinks)
    return {
        "verify": of(verify(ASKED, response, policy_thinks=thinks)),
        "score": [(v.status, v.reason) for v in scored.verdicts],
        "evaluation": [(Status(r.status), r.reason) for r in rows if r.variant == "strict"],
        **asyncio.run(asked()),
    }


@given(RESPONSES, st.booleans(), st.booleans())
@example("<think>First, blue, then deep.</think>The deep blue sea", True, False)
@example("<think>First, blue", True, False)
@example("", True, False)
@settings(deadline=None, max_examples=60)
def test_all_ways_in_agree_verdict_by_verdict(text: str, finished: bool, thinks: bool) -> None:
    found = everywhere(Response(text=text, finished=finished), thinks=thinks)
    assert all(verdicts == found["verify"] for verdicts in found.values()), found


@given(RESPONSES, st.booleans())
@settings(deadline=None, max_examples=60)
def test_loose_verdicts_agree_and_never_take_a_pass_away(text: str, thinks: bool) -> None:
    (strict,) = score([row(text)], policy_thinks=thinks)
    (loose,) = score([row(text)], loose=True, policy_thinks=thinks)
    case, answer = Case(ASKED), Generation(text)
    rows = by_rules(blank("b", "m", "t1", case, answer), case, answer, policy_thinks=thinks)
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
    found = everywhere(Response(text=text), thinks=False)
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


@pytest.mark.parametrize("thinks", [False, True])
def test_truth_and_references_look_at_the_same_answer(thinks: bool) -> None:
    asked = Instruction(id="1", prompt="p", constraints=(ReferenceConstraint(text="Say it.", answer="42"),))
    case = Case(asked, labels={"reference": "E2E"})

    def statuses(text: str, judge: Any) -> set[str]:
        answer = Generation(text)
        rows = judge(blank("b", "m", "t1", case, answer), case, answer, policy_thinks=thinks)
        return {str(found.status) for found in rows}

    unfinished = "<think>it is 42"
    assert (
        statuses(unfinished, by_reference) == statuses("42" if thinks else "", by_reference) == {"unscorable"}
    )
    assert statuses("<think>42?</think>41", by_reference) == statuses("x</think>41", by_reference) == {"fail"}
    world = Case(ASKED.model_copy(update={"meta": {}}))
    found = by_truth(
        blank("b", "m", "t1", world, Generation(unfinished)),
        world,
        Generation(unfinished),
        policy_thinks=thinks,
    )
    assert {str(one.status) for one in found} == {"unscorable"}
