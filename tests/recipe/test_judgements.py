"""A recipe whose policy is a judge: what belongs together is refused apart, and no other recipe changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from verif.errors import RecipeError
from verif.recipe import Recipe, load_recipe, parse_recipe

GOOD: dict[str, Any] = {
    "name": "j",
    "data": {"kind": "judgements"},
    "policy": {"kind": "judge"},
    "judge": {"kind": "none"},
    "verifier": {"formula": "hard-only"},
    "train": {"judgements": {}},
}


def test_both_forms_are_asked_and_rewards_are_compared_by_pair_unless_said_otherwise() -> None:
    recipe = parse_recipe(GOOD, "here")
    assert recipe.data.kind == "judgements"
    assert recipe.data.forms == ("pointwise", "pairwise")
    assert recipe.train.judgements is not None
    assert (recipe.train.judgements.group, recipe.train.judgements.reward) == ("pair", "verdict")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": {"kind": "world"}, "train": {}}, "needs data.kind: judgements"),
        ({"train": {}}, "belong together"),
        ({"train": {"judgements": {}, "prompts_per_step": 7}}, "must be even"),
        ({"judge": {"kind": "scratch"}}, "needs judge.kind: none"),
        ({"train": {"judgements": {"draws": 0}}}, "train.judgements.draws"),
        ({"data": {"kind": "judgements", "form": "triples"}}, "data.judgements.form"),
    ],
)
def test_what_belongs_together_is_refused_apart(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_recipe({**GOOD, **change}, "here")


def test_a_recipe_without_judgements_says_nothing_of_them() -> None:
    """What a run's digest and a verifier's identity are made of stays as it was."""
    written = load_recipe("local").model_dump(mode="json", by_alias=True)
    assert "judgements" not in written["train"]
    assert "reasons" not in written["judge"]
    assert "soft" not in written["data"]
    assert Recipe.model_validate(written) == load_recipe("local")


@pytest.mark.parametrize("name", ["judge-j1-local", "judge-j1-qwen-7b", "local-j1", "local-oracle"])
def test_the_recipes_of_the_story_are_valid(root: Path, name: str) -> None:
    assert load_recipe(name, root / "recipes").name == name
