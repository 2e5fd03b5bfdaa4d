"""The gate of a judge: more consistent and no easier to fool, against the judge it started from or the champion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from verif.evaluation.benchmarks.judgements import ATTACKED, TEST
from verif.evaluation.case import Case, VerdictRow
from verif.evaluation.summary import summarise
from verif.recipe import PromotionGate
from verif.registry.evidence import Evidence
from verif.registry.gate import decide
from verif.types import Instruction

N = 80


def answers(benchmark: str, model: str, right: dict[str, float]) -> list[VerdictRow]:
    """Half of the pairs in either form; a share of each kind of answer is right, in mixed order."""
    out = []
    for n in range(N):
        luck, form = (n * 7919 % N) / N, ("pairwise", "pointwise")[n % 2]
        kinds = ("A", "B") if form == "pairwise" else ("pass", "fail")
        for turn, expected in enumerate(kinds):
            ok = luck < right[expected]
            said = expected if ok else kinds[1 - turn]
            told = {"pair": f"p{n}", "turn": turn, "form": form, "construction": "slips", "matched": True}
            out.append(
                VerdictRow(
                    benchmark, model, "t1", f"p{n}-{turn}", f"p{n}", 0, "slips", "rule", "c", f"q{n}", "r", True, 3,
                    "pass" if ok else "fail", "", orjson.dumps({"said": said}).decode(), "rule:judgement:verdict@1",
                    "rule:judgement:verdict@1", labels=orjson.dumps(told).decode(),
                )
            )  # fmt: skip
    return out


START = {"A": 0.9, "B": 0.3, "pass": 0.95, "fail": 0.7}
BETTER = {"A": 0.85, "B": 0.8, "pass": 0.95, "fail": 0.85}


def evidence(after: dict[str, float], attacked: dict[str, float] | None = None, fit: bool = True) -> Evidence:
    rows = [*answers("judge-test", "before", START), *answers("judge-test", "after", after)]
    rows += [
        *answers("judge-attacks", "before", START),
        *answers("judge-attacks", "after", attacked or after),
    ]
    cases = [Case(Instruction(id=f"p{n}", prompt=f"q{n}")) for n in range(N)]
    measured = {
        b.name: summarise(b, cases, [r for r in rows if r.benchmark == b.name], 200, 1)
        for b in (TEST, ATTACKED)
    }
    return Evidence(
        {"benchmarks": measured, "order": list(measured)}, {}, {"fit": fit, "reasons": []}, tuple(rows)
    )


def failed(measured: Evidence, champion: Evidence | None = None) -> list[str]:
    decision = decide(measured, PromotionGate(), champion, samples=300)
    assert decision.passed is not bool(decision.reasons)
    return [check.name for check in decision.checks if not check.passed]


def test_a_judge_that_decides_alike_more_often_and_sees_more_passes() -> None:
    assert failed(evidence(BETTER)) == []


@pytest.mark.parametrize(
    ("change", "attacked", "names"),
    [
        ({"A": 0.9, "B": 0.3, "fail": 0.75}, None, ["consistency"]),
        ({"fail": 0.6}, BETTER, ["recall"]),
        ({"pass": 0.85}, BETTER, ["acceptance"]),
        ({}, {**START, "B": 0.1}, ["attacks"]),
    ],
)
def test_what_it_loses_stops_it(
    change: dict[str, float], attacked: dict[str, float] | None, names: list[str]
) -> None:
    assert set(names) <= set(failed(evidence({**BETTER, **change}, attacked)))


def test_what_was_not_measured_is_not_passed() -> None:
    measured = evidence(BETTER)
    without: dict[str, Any] = {
        "benchmarks": {"judge-test": measured.evaluation["benchmarks"]["judge-test"]},
        "order": ["judge-test"],
    }
    assert failed(replace(measured, evaluation=without)) == ["attacks"]


def test_against_a_champion_the_same_judge_is_no_better() -> None:
    measured = evidence(BETTER)
    assert "consistency" in failed(measured, champion=measured)


def test_an_unfit_verifier_stops_it() -> None:
    assert failed(evidence(BETTER, fit=False)) == ["audit"]
