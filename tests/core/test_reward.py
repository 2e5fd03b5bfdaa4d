"""The reward formulas: bounded, monotone, indifferent to order, and never a number where a verdict is missing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.reward import reward
from verif.types import (
    FORMULAS,
    Constraint,
    Formula,
    ReferenceConstraint,
    Reward,
    RuleConstraint,
    SoftConstraint,
    Status,
    Verdict,
)

PASS, FAIL, ERROR, UNSCORABLE, SKIPPED = (
    Status.PASS,
    Status.FAIL,
    Status.ERROR,
    Status.UNSCORABLE,
    Status.SKIPPED,
)
decided = st.lists(st.sampled_from([PASS, FAIL]), max_size=5)
anything = st.lists(st.sampled_from(list(Status)), max_size=5)
formulas = st.sampled_from(FORMULAS)


def compute(
    formula: Formula, hard: Sequence[Status], soft: Sequence[Status], unscorable: float = 0.0
) -> Reward:
    constraints: list[Constraint] = [RuleConstraint(text="", rule="punctuation:no_comma") for _ in hard]
    constraints += [SoftConstraint(text="") for _ in soft]
    verdicts = [Verdict(status=status, covers=(index,)) for index, status in enumerate([*hard, *soft])]
    return reward(constraints, verdicts, formula, unscorable)


@given(formulas, decided, decided)
def test_decided_verdicts_give_a_number_between_0_and_1(
    formula: Formula, hard: list[Status], soft: list[Status]
) -> None:
    found = compute(formula, hard, soft)
    assert found.state == "scored"
    assert found.value is not None
    assert 0.0 <= found.value <= 1.0


@given(formulas, decided, decided, st.data())
def test_turning_a_failure_into_a_pass_never_lowers_it(
    formula: Formula, hard: list[Status], soft: list[Status], data: st.DataObject
) -> None:
    if not hard and not soft:
        return
    index = data.draw(st.integers(0, len(hard) + len(soft) - 1))
    low, high = [*hard, *soft], [*hard, *soft]
    low[index], high[index] = FAIL, PASS
    before = compute(formula, low[: len(hard)], low[len(hard) :]).value
    after = compute(formula, high[: len(hard)], high[len(hard) :]).value
    assert before is not None
    assert after is not None
    assert before <= after


@given(formulas, anything, anything, st.randoms())
def test_the_order_of_constraints_and_verdicts_does_not_matter(
    formula: Formula, hard: list[Status], soft: list[Status], rng: object
) -> None:
    constraints: list[Constraint] = [RuleConstraint(text=str(i), rule="r") for i in range(len(hard))]
    constraints += [SoftConstraint(text=str(i)) for i in range(len(soft))]
    statuses = [*hard, *soft]
    order = list(range(len(constraints)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    verdicts = [Verdict(status=statuses[old], covers=(new,)) for new, old in enumerate(order)]
    moved = reward([constraints[i] for i in order], list(reversed(verdicts)), formula)
    assert moved == compute(formula, hard, soft)


@given(formulas, st.integers(0, 4), st.integers(0, 4))
def test_formulas_agree_on_all_passed_and_all_failed(formula: Formula, hard: int, soft: int) -> None:
    assert compute(formula, [PASS] * hard, [PASS] * soft).value == 1.0
    used = hard * (formula != "soft-only") + soft * (formula != "hard-only")
    assert compute(formula, [FAIL] * hard, [FAIL] * soft).value == (0.0 if used else 1.0)


@given(formulas, decided, decided)
def test_an_absent_term_is_absent_not_one(formula: Formula, hard: list[Status], soft: list[Status]) -> None:
    if formula == "average" and hard:
        assert compute(formula, hard, []).value == compute("all", hard, []).value
    if formula == "average" and soft:
        assert compute(formula, [], soft).value == compute("soft-only", [], soft).value


@given(formulas, anything, anything)
def test_an_error_that_matters_is_never_a_number(
    formula: Formula, hard: list[Status], soft: list[Status]
) -> None:
    found = compute(formula, [*hard, ERROR], soft)
    assert (found.value is None) == (found.state == "error")
    if formula != "soft-only":
        assert found.state == "error"
    if formula != "hard-only":
        assert compute(formula, hard, [*soft, ERROR]).state == "error"


@pytest.mark.parametrize(
    ("formula", "hard", "soft", "value"),
    [
        ("average", [PASS, FAIL], [PASS], 0.5),
        ("average", [PASS, PASS], [FAIL, PASS], 0.5),
        ("average", [], [PASS], 1.0),
        ("product", [PASS, FAIL], [PASS], 0.5),
        ("product", [PASS, FAIL], [FAIL], 0.0),
        ("product", [], [PASS, FAIL], 0.0),
        ("all", [PASS, FAIL], [PASS], 0.0),
        ("all", [PASS], [PASS], 1.0),
        ("hard-only", [PASS], [FAIL], 1.0),
        ("hard-only", [PASS], [ERROR], 1.0),
        ("soft-only", [ERROR], [PASS], 1.0),
        ("average", [], [], 1.0),
        ("parts", [PASS, FAIL], [PASS], 2 / 3),
        ("parts", [PASS, FAIL], [PASS, FAIL], 1 / 3),
        ("parts", [FAIL], [PASS, PASS], 0.5),
        ("parts", [], [PASS, FAIL], 0.0),
        ("parts", [PASS, FAIL], [], 0.5),
    ],
)
def test_formula(formula: Formula, hard: list[Status], soft: list[Status], value: float) -> None:
    assert compute(formula, hard, soft).value == value


def test_a_skipped_term_is_legal_only_where_it_cannot_matter() -> None:
    assert compute("product", [FAIL], [SKIPPED]).value == 0.0
    assert compute("all", [FAIL, PASS], [SKIPPED]).value == 0.0
    assert compute("product", [PASS, FAIL], [SKIPPED]).state == "error"
    assert compute("average", [FAIL], [SKIPPED]).state == "error"
    assert compute("hard-only", [SKIPPED], []).state == "error"


@pytest.mark.parametrize(
    ("statuses", "average", "three"),
    [
        (
            [FAIL, PASS, PASS],
            (0.5, {"hard": 0.0, "soft": 1.0}),
            (2 / 3, {"hard": 0.0, "reference": 1.0, "soft": 1.0}),
        ),
        (
            [PASS, FAIL, PASS],
            (0.5, {"hard": 0.0, "soft": 1.0}),
            (2 / 3, {"hard": 1.0, "reference": 0.0, "soft": 1.0}),
        ),
        (
            [PASS, PASS, FAIL],
            (0.5, {"hard": 1.0, "soft": 0.0}),
            (2 / 3, {"hard": 1.0, "reference": 1.0, "soft": 0.0}),
        ),
    ],
)
def test_a_reference_is_a_hard_term_or_one_of_its_own(
    statuses: list[Status], average: tuple[float, dict[str, float]], three: tuple[float, dict[str, float]]
) -> None:
    asked = (
        RuleConstraint(text="", rule="punctuation:no_comma"),
        ReferenceConstraint(text="", answer="42"),
        SoftConstraint(text=""),
    )
    verdicts = [Verdict(status=status, covers=(index,)) for index, status in enumerate(statuses)]
    for name, (value, terms) in (("average", average), ("three-terms", three)):
        found = reward(asked, verdicts, name)
        assert (found.value, found.terms) == (value, terms)
    lost = [*verdicts[:1], Verdict(status=ERROR, covers=(1,)), *verdicts[2:]]
    assert reward(asked, lost, "three-terms").state == "error"
    assert reward(asked, [verdicts[0], verdicts[2]], "three-terms").state == "error"


def test_unscorable_is_the_recipes_decision_and_an_error_outweighs_it() -> None:
    found = compute("average", [UNSCORABLE, PASS], [PASS], unscorable=-1.0)
    assert (found.value, found.state) == (-1.0, "unscorable")
    assert compute("average", [UNSCORABLE, ERROR], [PASS]).state == "error"
