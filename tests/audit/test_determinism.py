"""Determinism: flips are found wherever they come from, an outage is no flip, and the second process is real."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.stand_ins import StandIn, perfect

from verif.audit import determinism
from verif.audit.cases import AuditCase, ask, statuses
from verif.audit.second_process import Recheck, RulesOnly, work
from verif.core.verifier import Verifier
from verif.types import Reasoning, Status

PASS, FAIL, ERROR, SKIPPED = Status.PASS, Status.FAIL, Status.ERROR, Status.SKIPPED


def test_a_flip_in_any_run_counts_once_per_case() -> None:
    runs = {
        "first": [[PASS, PASS], [PASS], [FAIL]],
        "again": [[PASS, FAIL], [PASS], [FAIL]],
        "other": [[FAIL, FAIL], [PASS], [FAIL]],
    }
    found = determinism.compare(runs)
    assert (found.flipped, found.errors, found.cases) == (1, 0, 3)
    assert found.runs == ("again", "other")
    assert found.flip_rate.low > 0


def test_errors_and_questions_not_asked_are_no_flips() -> None:
    found = determinism.compare(
        {"first": [[PASS, FAIL]], "again": [[ERROR, FAIL]], "rules": [[PASS, SKIPPED]]}
    )
    assert (found.flipped, found.errors) == (0, 1)


@pytest.mark.slow
async def test_rules_decide_alike_in_a_second_process(world_cases: list[AuditCase]) -> None:
    cases = world_cases[:12]
    served = StandIn(perfect)
    found = await determinism.measure(served, cases, "average", soft=True, url=None)
    assert found.flipped == 0
    assert found.errors == 0
    assert served.calls == 3 * 12, "the cache is off: every run asks"
    rows = await determinism._second_process(Recheck.of(cases, "average", soft=True, url=None))
    here = statuses(cases, await ask(RulesOnly(), cases, "average", soft=False))
    assert rows == here
    assert any(Status.PASS in row for row in rows)
    empty = [replace(case, text="") for case in cases]
    assert await determinism._second_process(Recheck.of(empty, "average", soft=True, url=None)) != here


@pytest.mark.slow
@pytest.mark.parametrize("reasoning", ["auto", "think"])
async def test_what_the_verifier_does_not_judge_is_no_flip(
    world_cases: list[AuditCase], reasoning: Reasoning
) -> None:
    """Empty, reasoned and unfinished responses: both processes take the same answer, or none."""
    one = world_cases[0]
    texts = [
        "",
        "I count words.</think>\n\n" + one.text,
        "<think>" + one.text,
        one.text,
        "a</think>b</think>c",
    ]
    cases = [replace(one, text=text) for text in texts]
    verifier = Verifier(formula="hard-only", reasoning=reasoning)
    found = await determinism.measure(verifier, cases, "hard-only", soft=False, url=None, reasoning=reasoning)
    rows = await work(Recheck.of(cases, "hard-only", soft=False, url=None, reasoning=reasoning))
    assert (found.flipped, found.errors) == (0, 0)
    hard = [[status for status in row if status != "skipped"] for row in rows]
    assert [set(row) == {"unscorable"} for row in hard] == [True, False, True, False, True]
    assert hard[1] == hard[3], "the reasoning before an answer changes nothing"


async def test_golden_responses_of_a_policy_that_thinks_are_judged(world_cases: list[AuditCase]) -> None:
    plain = await ask(Verifier(formula="hard-only"), world_cases[:20], "hard-only", soft=False)
    thinking = Verifier(formula="hard-only", reasoning="think")
    found = await ask(thinking, world_cases[:20], "hard-only", soft=False, reasoning="think")
    assert [opinion.value for opinion in found] == [opinion.value for opinion in plain]
    assert any(opinion.value for opinion in found)


async def test_a_job_survives_the_pipe(world_cases: list[AuditCase]) -> None:
    job = Recheck.of(world_cases[:3], "average", soft=False, url=None, reasoning="think")
    assert Recheck.load(job.dump()) == job
    assert len(await work(job)) == 3
