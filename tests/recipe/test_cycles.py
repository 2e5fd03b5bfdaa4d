"""What cannot be trained is refused where the recipe is read, and settings that came later change no older name."""

from __future__ import annotations

from typing import Any

import pytest

from verif.errors import RecipeError
from verif.recipe import Train, parse_recipe

BASE: dict[str, Any] = {
    "name": "x",
    "data": {"kind": "world"},
    "policy": {"kind": "scratch"},
    "judge": {"kind": "scratch"},
}
DPO = {"algorithm": "dpo"}


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ({"sync_every": 7, "steps": 40, "save_every": 7}, "7 does not divide the 40 steps"),
        ({"sync_every": 20, "save_every": 10}, "inside a cycle of 20 updates"),
        ({"sync_every": 0}, "set watch.on_alarm to warn or stop"),
        ({"sync_every": 0, "watch": {"on_alarm": "repair"}}, "set watch.on_alarm to warn or stop"),
        ({"overlap": True, "gpus": 8}, "give the generator its own with generator_gpus"),
        ({"overlap": True, "sync_every": 0, "watch": {"on_alarm": "stop"}}, "no next cycle"),
        ({"overlap": True, "one_forward": True}, "are not the present policy's"),
        ({**DPO, "kl_coefficient": 0.1}, "dpo holds to its reference by dpo.beta"),
        ({**DPO, "rollouts_per_prompt": 5}, "5 does not divide the 32 rows"),
        ({**DPO, "dpo": {"pairs": "best-worst"}}, "verifier.judge_logprobs must be true"),
        ({**DPO, "dpo": {"beta": 0}}, "greater than 0"),
    ],
)
def test_what_cannot_be_trained_is_one_line(train: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as error:
        parse_recipe({**BASE, "train": train}, "recipes/x.yaml")
    assert "recipes/x.yaml" in str(error.value)


def test_best_worst_is_allowed_with_a_judge_that_says_how_sure_it_is() -> None:
    train = {**DPO, "dpo": {"pairs": "best-worst"}}
    assert parse_recipe({**BASE, "verifier": {"judge_logprobs": True}, "train": train}, "x").judged


def test_never_is_a_cycle_of_the_whole_run() -> None:
    assert Train().cycle == 1
    assert Train(sync_every=10).cycle == 10
    never = parse_recipe({**BASE, "train": {"sync_every": 0, "steps": 9, "watch": {"on_alarm": "warn"}}}, "x")
    assert never.train.cycle == 9


def test_a_setting_at_its_default_is_not_written_down() -> None:
    """Runs and verifiers are named by what a recipe writes: these must have the names that they had."""
    recipe = parse_recipe(BASE, "x").model_dump(mode="json")
    later = {"sync_every", "overlap", "generator_gpus", "dpo", "adam_eps", "clip_grad"}
    assert not later & set(recipe["train"])
    assert "judge_logprobs" not in recipe["verifier"]
    assert Train(sync_every=2).model_dump()["sync_every"] == 2


def test_a_node_must_have_the_generators_gpus_too() -> None:
    train = {"overlap": True, "gpus": 6, "generator_gpus": 2}
    whole = parse_recipe({**BASE, "train": train, "resources": {"train": {"gpus": 8}}}, "x")
    assert whole.train.node_gpus == 8
    with pytest.raises(RecipeError, match=r"resources\.train\.gpus: 6 of a node"):
        parse_recipe({**BASE, "train": train, "resources": {"train": {"gpus": 6}}}, "x")
