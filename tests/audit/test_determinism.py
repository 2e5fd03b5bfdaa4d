"""Determinism: flips are found wherever they come from, an outage is no flip, and the second process is real."""

from __future__ import annotations

from dataclasses import replace

from stand_ins import StandIn, perfect

from verif.audit import determinism
from verif.audit.again import Job, Rules, work
from verif.audit.cases import Case, ask, statuses
from verif.types import Status

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


async def test_rules_decide_alike_in_a_second_process(world_cases: list[Case]) -> None:
    cases = world_cases[:12]
    served = StandIn(perfect)
    found = await determinism.measure(served, cases, "average", soft=True, url=None)
    assert found.flipped == 0
    assert found.errors == 0
    assert served.calls == 3 * 12, "the cache is off: every run asks"
    rows = await determinism._second_process(Job.of(cases, "average", soft=True, url=None))
    here = statuses(cases, await ask(Rules(), cases, "average", soft=False))
    assert rows == here
    assert any(Status.PASS in row for row in rows)
    empty = [replace(case, text="") for case in cases]
    assert await determinism._second_process(Job.of(empty, "average", soft=True, url=None)) != here


async def test_a_job_survives_the_pipe(world_cases: list[Case]) -> None:
    job = Job.of(world_cases[:3], "average", soft=False, url=None)
    assert Job.load(job.dump()) == job
    assert len(await work(job)) == 3
