"""A judge of relevance and what it needs; recipe keys that composed rows cannot serve are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from verif.errors import RecipeError
from verif.recipe import Recipe, load_recipe, parse_recipe

BASE: dict[str, Any] = {
    "name": "r",
    "data": {"kind": "composed", "relevance": True},
    "policy": {"kind": "hub", "repo": "a/b"},
    "judge": {"kind": "relevance"},
    "verifier": {"formula": "all", "prompt": "local"},
}
RULES = {"judge": {"kind": "none"}, "verifier": {"formula": "hard-only"}}


def parsed(**sections: Any) -> Recipe:
    return parse_recipe({**BASE, **sections}, "r.yaml")


def test_it_judges_and_is_no_second_opinion_on_itself() -> None:
    recipe = parsed()
    assert recipe.judged
    assert not recipe.has_oracle
    with pytest.raises(RecipeError, match=r"verifier.pressure needs an oracle"):
        parsed(verifier={**BASE["verifier"], "pressure": {}})


def test_it_needs_rows_that_ask_for_relevance_and_such_rows_need_a_judge() -> None:
    with pytest.raises(RecipeError, match="relevance needs data"):
        parsed(data={"kind": "composed"})
    with pytest.raises(RecipeError, match="needs a judge"):
        parsed(judge={"kind": "none"})
    assert not parsed(**RULES).judged


def test_an_option_that_is_off_leaves_no_trace_in_a_recipe() -> None:
    plain = parsed(data={"kind": "composed"}, **RULES).model_dump(mode="json")
    assert "relevance" not in plain["data"]
    assert not {"drift", "rejection"} & set(plain["evaluate"])


def test_partial_credit_and_refilled_groups_go_with_composed_rows_and_pass_rates_do_not() -> None:
    recipe = parsed(verifier={**BASE["verifier"], "formula": "product"}, train={"refill": 2})
    assert (recipe.verifier.formula, recipe.train.refill) == ("product", 2)
    with pytest.raises(RecipeError, match="pass-rate needs measured rows"):
        parsed(train={"draw": "pass-rate"})


def test_a_policy_made_here_has_another_control() -> None:
    with pytest.raises(RecipeError, match=r"evaluate.sft_control"):
        parsed(policy={"kind": "scratch"}, evaluate={"rejection": {}})


def test_both_recipes_of_the_real_model_differ_in_the_judge_alone(root) -> None:
    judged, rules = (load_recipe(name, root / "recipes") for name in ("smollm2", "smollm2-rules"))
    for section in ("policy", "train", "evaluate", "resources"):
        assert getattr(judged, section) == getattr(rules, section), section
    assert (judged.judged, rules.judged) == (True, False)
    assert judged.register_.gate.drift == rules.register_.gate.drift is not None
    assert judged.data.model_copy(update={"relevance": False}) == rules.data
