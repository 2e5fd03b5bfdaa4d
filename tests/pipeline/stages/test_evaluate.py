"""The supervised control of the stage `evaluate`: every policy that was made here has one, a judge too."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest

from verif.pipeline.stages import evaluate
from verif.project import Stage
from verif.recipe import parse_recipe

WORLD = {"data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}
JUDGEMENTS = {
    "data": {"kind": "judgements", "source": "world"},
    "policy": {"kind": "judge"},
    "judge": {"kind": "none"},
    "verifier": {"formula": "hard-only"},
    "train": {"judgements": {}},
}


def begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], **section: Any
) -> list[Any]:
    """The lengths of the controls that the stage begins to train."""
    lengths: list[Any] = []

    def training(*_: object, steps: int, seed: int) -> Any:
        lengths.append(steps)
        return nullcontext("control")

    monkeypatch.setattr(evaluate, "training", training)
    stage = Stage(tmp_path, parse_recipe({"name": "r", **recipe, "evaluate": section}, "here"), tmp_path)
    stage.data.mkdir(parents=True, exist_ok=True)
    (stage.data / "policy_pairs.parquet").touch()
    with ExitStack() as stack:
        evaluate.supervised(stage, stack)
    return lengths


@pytest.mark.parametrize("recipe", [WORLD, JUDGEMENTS], ids=["policy", "judge"])
def test_a_policy_made_here_has_a_control_of_the_length_that_is_asked(tmp_path, monkeypatch, recipe) -> None:
    named = [{"name": "judge-test" if recipe is JUDGEMENTS else "world-test"}]
    assert begun(tmp_path, monkeypatch, recipe, benchmarks=named, sft_control_steps=60) == [60]
    assert begun(tmp_path, monkeypatch, recipe, benchmarks=named, sft_control=False) == []
