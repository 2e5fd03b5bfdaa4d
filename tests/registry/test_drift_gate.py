"""Bounds on how answers read are conditions of the gate where a recipe states them, and nothing where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from verif.errors import RecipeError
from verif.recipe import DriftBounds, parse_recipe
from verif.registry.drift_gate import drift_checks

FORM = {
    "repeated_worst_tenth": 0.3,
    "copied_worst_tenth": 0.1,
    "unfinished": {"value": 0.2},
    "length": {"value": 80.0},
}
NAMES = {"likelihood", "relevance", "repetition", "copies", "unfinished", "length"}


def evaluation(likelihood: float = 0.2, relevance: float = 0.02, **after: Any) -> dict[str, Any]:
    drops = {
        name: {"by": "judge", "drop": {"value": value}}
        for name, value in (("likelihood", likelihood), ("relevance", relevance))
    }
    sides = {"before": {"greedy_form": FORM}, "after": {"greedy_form": {**FORM, **after}}}
    return {"drift": drops, "benchmarks": {"held-back": sides}}


def failed(numbers: dict[str, Any]) -> set[str]:
    return {check.name for check in drift_checks(numbers, DriftBounds()) if not check.passed}


def test_answers_that_read_as_before_pass() -> None:
    assert failed(evaluation()) == set()
    assert {check.name for check in drift_checks(evaluation(), DriftBounds())} == NAMES


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("likelihood", evaluation(likelihood=1.4)),
        ("relevance", evaluation(relevance=0.2)),
        ("repetition", evaluation(repeated_worst_tenth=0.9)),
        ("copies", evaluation(copied_worst_tenth=0.6)),
        ("unfinished", evaluation(unfinished={"value": 0.5})),
        ("length", evaluation(length={"value": 11.0})),
    ],
)
def test_each_way_to_win_without_answering_fails_its_own_bound(name: str, numbers: dict[str, Any]) -> None:
    assert failed(numbers) == {name}


def test_what_was_not_measured_is_not_passed() -> None:
    assert failed({"benchmarks": {"held-back": {}}}) == NAMES
    nothing = evaluation()
    nothing["drift"]["relevance"] = {}
    assert failed(nothing) == {"relevance"}


def test_a_recipe_without_bounds_has_no_such_condition_and_one_with_them_must_measure() -> None:
    assert drift_checks({}, None) == []
    recipe: dict[str, Any] = {
        "name": "r", "data": {"kind": "composed"}, "policy": {"kind": "hub", "repo": "a/b"}, "judge": {"kind": "none"},
        "verifier": {"formula": "hard-only"}, "register": {"gate": {"drift": {}}},
    }  # fmt: skip
    with pytest.raises(RecipeError, match="write that, too"):
        parse_recipe(recipe, "r.yaml")
    assert (
        parse_recipe({**recipe, "evaluate": {"drift": True}}, "r.yaml").register_.gate.drift == DriftBounds()
    )
