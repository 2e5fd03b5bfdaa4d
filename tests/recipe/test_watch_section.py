"""`train.watch`: what follows an alarm, and what a recipe may not ask for."""

from __future__ import annotations

from typing import Any

import pytest

from verif.audit.oracles import answer_to_alarm, oracle_of
from verif.errors import RecipeError
from verif.recipe import Recipe, parse_recipe

WORLD: dict[str, Any] = {
    "name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"},
}  # fmt: skip
PINNED = {"kind": "hub", "repo": "a/b", "revision": "main"}


def recipe(verifier: dict[str, Any] | None = None, *, world: bool = True, **watch: Any) -> Recipe:
    raw = WORLD | {"train": {"watch": watch}, "verifier": verifier or {}}
    if not world:
        raw |= {"data": {"kind": "verinstruct"}, "policy": PINNED, "judge": PINNED}
    return parse_recipe(raw, "recipes/t.yaml")


def test_a_run_repairs_where_an_oracle_looks_and_warns_elsewhere() -> None:
    assert answer_to_alarm(recipe()) == "repair"
    assert answer_to_alarm(recipe({"prompt": "joint-en"}, world=False)) == "repair"
    assert answer_to_alarm(recipe({"prompt": "each-en"}, world=False)) == "warn"
    assert answer_to_alarm(recipe(sample=0)) == "warn"
    assert answer_to_alarm(recipe(on_alarm="stop")) == "stop"


@pytest.mark.parametrize("prompt", ["joint-en", "each-en"])
def test_a_recipe_is_watched_exactly_if_it_has_an_oracle(prompt: str) -> None:
    for made in (recipe(), recipe({"prompt": prompt}, world=False)):
        assert made.watched == (oracle_of(made, "http://127.0.0.1:1") is not None)


def test_a_repair_without_an_oracle_is_refused_before_anything_starts() -> None:
    with pytest.raises(RecipeError, match=r"recipes/t\.yaml.*on_alarm: repair needs an oracle"):
        recipe({"prompt": "each-en"}, world=False, on_alarm="repair")
    with pytest.raises(RecipeError, match="repair needs an oracle"):
        recipe(on_alarm="repair", sample=0)


def test_pressure_without_an_oracle_is_refused_before_an_audit_begins() -> None:
    with pytest.raises(RecipeError, match=r"recipes/t\.yaml.*verifier\.pressure needs an oracle"):
        recipe({"prompt": "each-en", "pressure": {}}, world=False)
    assert recipe({"prompt": "joint-en", "pressure": {}}, world=False).verifier.pressure
    assert recipe({"pressure": {}}).verifier.pressure


@pytest.mark.parametrize(
    ("key", "value"),
    [("allowed_false", 0), ("allowed_false", 1), ("false_alarms", 0), ("false_alarms", 1), ("repairs", -1), ("every", 0),
     ("on_alarm", "mend"), ("max_divergence", 0.3)],
)  # fmt: skip
def test_values_out_of_range_and_keys_that_are_gone_are_named(key: str, value: object) -> None:
    with pytest.raises(RecipeError, match=rf"train\.watch\.{key}"):
        recipe(**{key: value})
