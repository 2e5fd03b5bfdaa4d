"""The recipe's sections about a judge under pressure: what is refused, and who may have them."""

from __future__ import annotations

import pytest

from verif.errors import RecipeError
from verif.recipe import HardenSection, Recipe, ScratchJudge, load_recipe, parse_recipe


def parsed(judge: dict[str, object] | None = None, **verifier: object) -> Recipe:
    raw = {
        "name": "x", "data": {"kind": "world"}, "policy": {"kind": "scratch"},
        "judge": judge or {"kind": "scratch"}, "verifier": verifier,
    }  # fmt: skip
    return parse_recipe(raw, "mine.yaml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_false_accepted", 0.9),
        ("max_turn", -0.1),
        ("max_search", 2),
        ("samples", 4),
        ("hotter", 0),
        ("limit", 1),
    ],
)
def test_a_limit_out_of_range_names_file_and_key(key: str, value: float) -> None:
    with pytest.raises(RecipeError, match=rf"mine\.yaml: verifier\.pressure\.{key}"):
        parsed(pressure={key: value})


@pytest.mark.parametrize(("key", "value"), [("rounds", 0), ("replay", 1.0), ("steps", "many"), ("lr", 1e-5)])
def test_a_hardening_out_of_range_names_file_and_key(key: str, value: object) -> None:
    with pytest.raises(RecipeError, match=rf"mine\.yaml: judge\.scratch\.harden\.{key}"):
        parsed({"kind": "scratch", "harden": {key: value}})


@pytest.mark.parametrize("judge", [{"kind": "none"}, {"kind": "hub", "repo": "a/b"}])
def test_only_a_judge_that_is_trained_here_is_hardened(judge: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match="harden"):
        parsed({**judge, "harden": {}})


def test_a_policy_is_not_hardened() -> None:
    raw = {
        "name": "x", "data": {"kind": "world"}, "policy": {"kind": "scratch", "harden": {}},
        "judge": {"kind": "none"}, "verifier": {"formula": "hard-only"},
    }  # fmt: skip
    with pytest.raises(RecipeError, match="policy"):
        parse_recipe(raw, "mine.yaml")


def test_the_default_recipe_hardens_its_judge_and_puts_it_under_pressure() -> None:
    recipe = load_recipe("local")
    assert isinstance(recipe.judge, ScratchJudge)
    assert isinstance(recipe.judge.harden, HardenSection)
    assert recipe.verifier.pressure is not None
    assert parsed().verifier.pressure is None, "a recipe that says nothing asks the golden set only"
