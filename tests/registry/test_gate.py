"""The gate's word on evidence that hides something: errored prompts, two verifiers, other benchmarks, general tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from verif.evaluation.case import VerdictRow
from verif.recipe import PromotionGate
from verif.registry import promotion
from verif.registry.evidence import Evidence, local_places, read_evidence
from verif.registry.gate import Criterion, decide
from verif.registry.reconcile import register

GATE = PromotionGate()


@pytest.fixture
def evidence(tmp_path: Path, refill) -> Callable[..., Evidence]:
    """Evidence with the given outcomes."""

    def made(**outcomes: object) -> Evidence:
        refill(tmp_path, **outcomes)
        return read_evidence(local_places(tmp_path))

    return made


def changed(found: Evidence, change: Callable[[VerdictRow], VerdictRow]) -> Evidence:
    return replace(found, rows=tuple(change(row) for row in found.rows))


def check(name: str, found: Evidence, champion: Evidence | None = None) -> Criterion:
    decision = decide(found, GATE, champion, samples=100)
    (one,) = [each for each in decision.checks if each.name == name]
    assert decision.passed == all(each.passed for each in decision.checks)
    return one


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before", "after"])
def test_prompts_that_could_not_be_judged_are_not_passed_over(evidence, side: str) -> None:
    good = evidence(n=400)

    def errors(row: VerdictRow) -> VerdictRow:
        lost = row.model == side and int(row.id[1:]) >= 30
        return replace(row, status="error") if lost else row

    assert decide(good, GATE, samples=100).passed
    found = check("verdicts", changed(good, errors))
    assert not found.passed
    assert "30 of 400 prompts" in found.note
    champion, better = evidence(n=400), evidence(n=400, after=0.9)
    assert check("verdicts", better, champion).passed
    if side == "after":
        assert not check("verdicts", better, changed(champion, errors)).passed
        assert not check("verdicts", changed(better, errors), champion).passed


def test_errors_on_another_benchmark_count_too(evidence) -> None:
    found = with_benchmark(evidence(), "world-unseen", before=0.4, after=0.6)
    assert check("verdicts", found).passed
    broken = changed(found, lambda r: replace(r, status="error") if r.benchmark == "world-unseen" else r)
    assert "0 of 120 prompts of world-unseen" in check("verdicts", broken).note


def test_verdicts_of_two_verifiers_are_not_compared(evidence) -> None:
    champion, better = evidence(), evidence(after=0.9)
    assert check("verifier", better, champion).passed
    found = check("verifier", changed(better, lambda row: replace(row, verifier="world:truth@2")), champion)
    assert not found.passed
    assert "world:truth@1 and world:truth@2" in found.note
    assert "verif bench run" in found.note


def with_benchmark(found: Evidence, name: str, *, before: float, after: float) -> Evidence:
    """The evidence with a second benchmark of these accuracies."""
    from tests.registry.conftest import make_rows
    from verif.evaluation.benchmarks.world import TEST
    from verif.evaluation.case import Case
    from verif.evaluation.summary import summarise
    from verif.types import Instruction

    rows = make_rows(before, after, 120)
    cases = [Case(Instruction(id=f"p{i}", prompt=f"Write {i}.")) for i in range(120)]
    benchmarks = found.evaluation["benchmarks"] | {name: summarise(TEST, cases, rows, 100, 7)}
    more = tuple(replace(row, benchmark=name) for row in rows)
    return replace(found, evaluation=found.evaluation | {"benchmarks": benchmarks}, rows=found.rows + more)


def test_constraint_types_of_every_benchmark_count(evidence) -> None:
    worse = with_benchmark(evidence(after=0.9), "world-unseen", before=0.8, after=0.5)
    found = check("constraint types", worse)
    assert not found.passed
    assert "world-unseen: " in found.note
    assert found.value == pytest.approx(0.3)
    champion = with_benchmark(evidence(), "world-unseen", before=0.3, after=0.9)
    same = with_benchmark(evidence(after=0.9), "world-unseen", before=0.3, after=0.6)
    assert check("constraint types", same).passed
    assert not check("constraint types", same, champion).passed
    assert check("constraint types", same, evidence()).passed, "measured on it alone: against its start"


@pytest.mark.parametrize(("high", "passes"), [(0.083, True), (-0.02, False)])
def test_a_few_verdicts_that_fall_by_chance_stop_nobody(evidence, high: float, passes: bool) -> None:
    found = evidence(after=0.9)
    (name,) = found.evaluation["benchmarks"]
    types = found.evaluation["benchmarks"][name]["families"]
    fell = {"value": -0.167, "low": -0.417, "high": high, "n": 24}
    types["bullets"] = {**next(iter(types.values())), "gain": fell}
    decided = check("constraint types", found)
    assert decided.passed is passes
    assert "bullets by 0.167" in decided.note
    assert "n=24" in decided.note


def general(found: Evidence, before: float | None, after: float | None) -> Evidence:
    cell = {"metric": "exact_match"}
    for side, value in (("before", before), ("after", after)):
        if value is not None:
            cell[side] = {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 500}
    return replace(found, evaluation=found.evaluation | {"general": {"gsm8k": cell}})


def test_general_tasks_may_not_fall(evidence) -> None:
    found = evidence()
    assert "not measured" in check("general tasks", found).note
    assert check("general tasks", general(found, 0.50, 0.47)).passed
    fallen = check("general tasks", general(found, 0.50, 0.40))
    assert not fallen.passed
    assert "gsm8k from 0.500 [0.490, 0.510] to 0.400 [0.390, 0.410]" in fallen.note
    assert "not measured" in check("general tasks", general(found, 0.50, None)).note
    assert not check("general tasks", general(found, 0.50, None)).passed
    assert not check("general tasks", general(found, 0.40, 0.42), general(found, 0.4, 0.5)).passed
    without = replace(found, evaluation=found.evaluation | {"canary": {}})
    assert not check("canary", without).passed
    assert check("canary", general(without, 0.50, 0.50)).passed, "no corpus: the general tasks stand for it"


@pytest.mark.slow
def test_a_champion_that_is_judged_again_can_be_compared(stage, refill, monkeypatch) -> None:
    register(stage)
    make = refill.__globals__["make_rows"]

    def second(*arguments: object) -> list[VerdictRow]:
        return [replace(row, verifier="world:truth@2") for row in make(*arguments)]

    monkeypatch.setitem(refill.__globals__, "make_rows", second)  # what `fill` calls
    refill(stage.root, after=0.9, weights=b"w2")
    assert not register(stage).decision.passed
    refill(stage.root, canary=0.001)  # the champion's weights, measured again
    assert register(stage).alias == "candidate"
    assert promotion.promote(stage, "2", "better")
    with promotion.at_desk(stage) as desk:
        assert desk.champion == "2"
