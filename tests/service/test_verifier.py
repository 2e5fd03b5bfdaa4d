"""Rules, sandbox and judge joined: what is asked, what is not, and what each state costs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from support.harness import StandInJudge, item, recipe

import verif
from verif.core.cache import VerdictCache
from verif.core.checks import LazySandbox
from verif.core.judge.client import JudgeClient
from verif.core.judge.judge import Judge as JudgePart
from verif.core.verifier import Verifier
from verif.errors import InputError
from verif.types import (
    CheckerConstraint,
    Instruction,
    Item,
    ReferenceConstraint,
    Response,
    RuleConstraint,
    SoftConstraint,
    Status,
    Verification,
)

NO_COMMA = RuleConstraint(text="No commas.", rule="punctuation:no_comma")
SOFT = SoftConstraint(text="Be good.")


def make(
    judge: StandInJudge | None, prompt: str = "joint-en", cache: Path | None = None, **options: Any
) -> Verifier:
    part = None
    if judge:
        client = JudgeClient([f"{judge.url}/v1"], "judge", deadline_s=3)
        part = JudgePart(client, template=prompt, model_digest="m", parameters={"temperature": 0})
    return Verifier(judge=part, cache=VerdictCache(cache) if cache else None, **options)


async def every(verifier: Verifier, items: list[Item], **options: Any) -> dict[str, Verification]:
    try:
        return {found.id: found async for found in verifier.verify(items, **options)}
    finally:
        await verifier.close()


def calls(judge: StandInJudge) -> int:
    return sum(judge.control()["calls"].values())


async def test_rules_and_judge_make_the_reward(judge: StandInJudge) -> None:
    items = [item(0, "good"), item(1, "bad"), item(2, "good, fine"), item(3, "bad, worse")]
    found = await every(make(judge), items)
    assert [found[str(n)].reward.value for n in range(4)] == [1.0, 0.5, 0.5, 0.0]
    assert found["1"].statuses(2) == [Status.PASS, Status.FAIL]


async def test_identical_questions_are_asked_once_and_remembered(judge: StandInJudge, tmp_path: Path) -> None:
    judge.control(reset=True)
    verifier = make(judge, cache=tmp_path / "c")
    same = [item(5, "good same").model_copy(update={"id": f"x{n}"}) for n in range(16)]
    found = await every(verifier, same)
    assert len(found) == 16
    assert calls(judge) == 1
    again = await every(make(judge, cache=tmp_path / "c"), same)
    assert calls(judge) == 1
    assert all(v.cost.cached for v in again["x3"].verdicts if v.part.startswith("judge"))
    other = await every(make(judge, prompt="joint-zh", cache=tmp_path / "c"), same[:1])
    assert calls(judge) == 2, "another prompt is another judge"
    assert other["x0"].reward.value == 1.0


async def test_cache_off_asks_every_time(judge: StandInJudge, tmp_path: Path) -> None:
    judge.control(reset=True)
    same = [item(6, "good twice").model_copy(update={"id": f"x{n}"}) for n in range(3)]
    await every(make(judge, cache=tmp_path / "c"), same, cache=False)
    assert calls(judge) == 3


@pytest.mark.parametrize("formula", ["product", "all", "hard-only"])
async def test_no_judge_call_that_cannot_change_the_reward(judge: StandInJudge, formula: Any) -> None:
    judge.control(reset=True)
    verifier = make(judge, formula=formula)
    found = await every(verifier, [item(7, "bad, with comma")])
    assert found["7"].reward.value == 0.0
    assert found["7"].statuses(2) == [Status.FAIL, Status.SKIPPED]
    assert calls(judge) == 0
    assert verifier.saved["short-circuit"] == 1


async def test_complete_asks_everything(judge: StandInJudge) -> None:
    found = await every(make(judge, formula="product"), [item(7, "good, with comma")], complete=True)
    assert found["7"].statuses(2) == [Status.FAIL, Status.PASS]


@pytest.mark.parametrize(
    ("text", "finished", "statuses"),
    [
        ("", True, [Status.UNSCORABLE, Status.UNSCORABLE]),
        (" \n", True, [Status.UNSCORABLE, Status.UNSCORABLE]),
        ("good but cut", False, [Status.PASS, Status.UNSCORABLE]),
        ("<think>good, good", True, [Status.UNSCORABLE, Status.UNSCORABLE]),
        ("a</think>good</think>bad", True, [Status.UNSCORABLE, Status.UNSCORABLE]),
        ("commas, here</think>good", True, [Status.PASS, Status.PASS]),
        ("good</think>bad", True, [Status.PASS, Status.FAIL]),
    ],
)
async def test_the_policys_own_faults(
    judge: StandInJudge, text: str, finished: bool, statuses: list[Status]
) -> None:
    one = item(8, text).model_copy(update={"response": Response(text=text, finished=finished)})
    found = (await every(make(judge, unscorable_reward=-1.0), [one]))["8"]
    assert found.statuses(2) == statuses
    if Status.UNSCORABLE in statuses:
        assert found.reward.state == "unscorable"
        assert found.reward.value == -1.0


async def test_each_prompt_gives_a_verdict_per_constraint(judge: StandInJudge) -> None:
    instruction = Instruction(
        id="1", prompt="p", constraints=(SOFT, NO_COMMA, SoftConstraint(text="Be short."))
    )
    one = Item(id="1", instruction=instruction, response=Response(text="good"))
    judge.control(reset=True)
    found = (await every(make(judge, prompt="each-en"), [one]))["1"]
    assert calls(judge) == 2
    assert [v.covers for v in found.verdicts] == [(0,), (1,), (2,)]


async def test_each_prompt_goes_criterion_by_criterion(judge: StandInJudge) -> None:
    """All rollouts meet the first criterion before any meets the second: the judge's prefix cache."""
    asked: list[str] = []

    class Recorder(JudgeClient):
        async def judge(self, messages: Any, *, seed: int = 0) -> Any:
            asked.append("first" if "Be first." in messages[-1]["content"] else "second")
            return await super().judge(messages, seed=seed)

    instruction = Instruction(
        id="1", prompt="p", constraints=(SoftConstraint(text="Be first."), SoftConstraint(text="Be second."))
    )
    items = [Item(id=str(n), instruction=instruction, response=Response(text=f"good {n}")) for n in range(4)]
    client = Recorder([f"{judge.url}/v1"], "judge")
    part = JudgePart(client, template="each-en", model_digest="m", parameters={})
    await every(Verifier(judge=part), items)
    assert asked == ["first"] * 4 + ["second"] * 4


async def test_an_unparsable_verdict_is_asked_again_and_then_an_error(
    judge: StandInJudge, tmp_path: Path
) -> None:
    judge.control(reset=True, mode="say:I refuse.", count=1)
    found = await every(make(judge), [item(9, "good")])
    assert found["9"].reward.value == 1.0
    judge.control(reset=True, mode="say:[[1]]", count=2)
    verifier = make(judge, cache=tmp_path / "c")
    found = await every(verifier, [item(9, "good")])
    assert found["9"].reward.value is None
    assert found["9"].reward.state == "error"
    assert calls(judge) == 2
    found = await every(make(judge, cache=tmp_path / "c"), [item(9, "good")])
    assert found["9"].reward.value == 1.0, "an error is not cached"


async def test_checkers_run_in_the_sandbox_with_the_instruction(judge: StandInJudge, tmp_path: Path) -> None:
    source = (
        "def check_following(instruction, response):\n    return instruction == 'p' and 'x' in response\n"
    )
    instruction = Instruction(id="1", prompt="p", constraints=(CheckerConstraint(text="c", source=source),))
    items = [Item(id=t, instruction=instruction, response=Response(text=t)) for t in ("x", "y")]
    verifier = Verifier(sandbox=LazySandbox(1), cache=VerdictCache(tmp_path / "c"))
    found = await every(verifier, items)
    assert [found[t].reward.value for t in ("x", "y")] == [1.0, 0.0]
    again = Verifier(sandbox=LazySandbox(1), cache=VerdictCache(tmp_path / "c"))
    assert (await every(again, items))["y"].verdicts[0].cost.cached


async def test_a_checker_that_raises_is_an_error_not_a_fail() -> None:
    source = "def check_following(instruction, response):\n    return 1 / 0\n"
    instruction = Instruction(id="1", prompt="p", constraints=(CheckerConstraint(text="c", source=source),))
    one = Item(id="1", instruction=instruction, response=Response(text="x"))
    found = (await every(Verifier(sandbox=LazySandbox(1)), [one]))["1"]
    assert found.reward.state == "error"


async def test_what_no_part_decides_is_an_error() -> None:
    instruction = Instruction(
        id="1", prompt="p", constraints=(SOFT, ReferenceConstraint(text="r", answer="x"))
    )
    one = Item(id="1", instruction=instruction, response=Response(text="x"))
    found = (await every(Verifier(), [one]))["1"]
    assert found.statuses(2) == [Status.ERROR, Status.PASS]
    assert found.reward.state == "error"


async def test_an_unknown_rule_names_the_item() -> None:
    bad = Instruction(id="1", prompt="p", constraints=(RuleConstraint(text="t", rule="punctuation:no_coma"),))
    with pytest.raises(InputError, match=r"item 'seven'.*no_comma"):
        await every(Verifier(), [Item(id="seven", instruction=bad, response=Response(text="x"))])


async def test_verdicts_do_not_depend_on_company_or_order(judge: StandInJudge) -> None:
    items = [
        item(n % 5, f"{'good' if n % 3 else 'bad'} {n}").model_copy(update={"id": str(n)}) for n in range(30)
    ]
    together = await every(make(judge), items)
    backwards = await every(make(judge), items[::-1])
    alone = {one.id: (await every(make(judge), [one]))[one.id] for one in items[:5]}
    plain = {key: (found.statuses(2), found.reward) for key, found in together.items()}
    assert plain == {key: (found.statuses(2), found.reward) for key, found in backwards.items()}
    assert all(plain[key] == (found.statuses(2), found.reward) for key, found in alone.items())


async def test_lone_surrogates_anywhere_are_verified(judge: StandInJudge) -> None:
    one = item(1, "good \udfff")
    odd = one.instruction.model_copy(update={"prompt": "Write \ud800."})
    found = await every(make(judge), [one.model_copy(update={"instruction": odd})])
    assert found["1"].reward.value == 1.0


def test_identity_changes_with_what_decides_only(judge: StandInJudge) -> None:
    one, same = make(judge), make(judge)
    assert one.identity == same.identity
    assert make(judge, prompt="each-en").identity != one.identity
    assert make(judge, formula="product").identity != one.identity


def test_three_lines() -> None:
    found = verif.verify("Describe a boat.", "Old, grey.", [NO_COMMA])
    assert found.reward.value == 0.0
    assert found.verdicts[0].evidence == {"commas": 1}


async def test_the_probe_of_a_policy_that_thinks_is_decided(tmp_path: Path) -> None:
    from verif.project import Stage
    from verif.service.probes import probes

    (probe,) = probes(Stage(tmp_path, recipe(judge="none", reasoning="think"), tmp_path))
    verifier = Verifier(reasoning="think", sandbox=LazySandbox(1))
    found = await anext(verifier.verify([probe]))
    await verifier.close()
    assert [verdict.status for verdict in found.verdicts] == [Status.PASS, Status.PASS]


@pytest.mark.slow
async def test_a_slow_store_does_not_hold_up_the_event_loop(
    judge: StandInJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = make(judge, cache=tmp_path / "c")
    read = VerdictCache._read

    def slow(self: VerdictCache, key: str) -> Any:
        time.sleep(0.3)
        return read(self, key)

    monkeypatch.setattr(VerdictCache, "_read", slow)
    longest, ends = 0.0, asyncio.create_task(every(verifier, [item(1, "good")]))
    while not ends.done():
        began = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - began)
    (found,) = ends.result().values()
    assert found.reward.value == 1.0
    assert longest < 0.25
