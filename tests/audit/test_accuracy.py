"""Accuracy: errors are never counted as right or wrong, and false verdicts land on the dimension that is false."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.audit.accuracy import Confusion, measure
from verif.audit.cases import AuditCase, Opinion, every
from verif.types import Instruction, RuleConstraint, SoftConstraint, Status, Verdict

INSTRUCTION = Instruction(
    id="1",
    prompt="p",
    constraints=(
        RuleConstraint(text="No commas.", rule="punctuation:no_comma"),
        SoftConstraint(text="t", dimension="topic"),
        SoftConstraint(text="g", dimension="tone"),
    ),
)


def opinion(rule: Status, judge: Status, value: float | None) -> Opinion:
    def decided(status: Status) -> bool | None:
        return {Status.PASS: True, Status.FAIL: False}.get(status)

    verdicts = (Verdict(status=rule, covers=(0,)), Verdict(status=judge, covers=(1, 2)))
    return Opinion(verdicts, decided(rule), decided(judge), value)


def test_counts_by_part_and_type() -> None:
    cases = [
        AuditCase("a", INSTRUCTION, "x", (True, True, True)),
        AuditCase("b", INSTRUCTION, "x", (True, False, True)),
        AuditCase("c", INSTRUCTION, "x", (True, False, False)),
        AuditCase("d", INSTRUCTION, "x", (False, True, True)),
    ]
    passes = opinion(Status.PASS, Status.PASS, 1.0)
    fails = opinion(Status.PASS, Status.FAIL, 0.5)
    found = measure(cases, [passes, fails, passes, opinion(Status.FAIL, Status.ERROR, None)], "average")
    assert found.judge == Confusion(true_accepted=1, false_accepted=1, false_rejected=1, undecided=1)
    assert found.rules == Confusion(true_accepted=3, false_rejected=1)
    assert found.verifier == Confusion(true_accepted=1, false_accepted=1, false_rejected=1, undecided=1)
    assert found.types["soft:topic"] == Confusion(true_accepted=1, false_rejected=1, undecided=1)
    assert found.types["soft:tone"] == Confusion(true_accepted=1, undecided=1)
    assert found.types["soft:several"] == Confusion(false_accepted=1)
    assert found.judge.recall_false.value == 0.5
    assert found.judge.recall_false.n == 2


def test_what_the_formula_does_not_claim_is_not_held_against_it() -> None:
    cases = [AuditCase("a", INSTRUCTION, "x", (True, False, True))]
    found = measure(cases, [opinion(Status.PASS, Status.SKIPPED, 1.0)], "hard-only")
    assert found.verifier == Confusion(true_accepted=1)
    assert measure(cases, [opinion(Status.PASS, Status.FAIL, 0.0)], "soft-only").verifier == Confusion(
        false_rejected=1
    )


def test_unknown_truth_counts_nowhere() -> None:
    cases = [AuditCase("a", INSTRUCTION, "x", (None, None, None))]
    found = measure(cases, [opinion(Status.PASS, Status.PASS, 1.0)], "average")
    assert found.parts() == {}


@pytest.mark.slow
@given(st.lists(st.tuples(st.none() | st.booleans(), st.none() | st.booleans()), max_size=60))
def test_every_known_case_is_counted_once(rows: list[tuple[bool | None, bool | None]]) -> None:
    confusion = Confusion()
    for truth, decision in rows:
        confusion.add(truth, decision)
    known = [row for row in rows if row[0] is not None]
    assert confusion.n + confusion.undecided == len(known)
    assert confusion.n == sum(decision is not None for _, decision in known)
    if confusion.n:
        assert 0 <= confusion.accuracy.low <= confusion.accuracy.value <= confusion.accuracy.high <= 1


def test_three_values() -> None:
    assert every([True, None, False]) is False
    assert every([True, None]) is None
    assert every([True, True]) is True
    assert every([]) is None
