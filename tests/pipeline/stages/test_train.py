"""The train stage before it trains: the verifier that teaches is the one that was audited."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.audit.fitness import fitness_path, teacher_of, write_fitness
from verif.errors import TrainingError, UnfitVerifierError
from verif.pipeline.stages import train
from verif.project import Stage
from verif.recipe import parse_recipe

RECIPE = {
    "name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "none"},
    "verifier": {"formula": "hard-only"},
}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(train.lease, "verifier", lambda _: pytest.fail("a service was started"))
    return Stage(tmp_path, parse_recipe(RECIPE, "test"), tmp_path)


def test_another_verifier_than_the_audited_one_does_not_teach(stage: Stage) -> None:
    write_fitness(fitness_path(stage), "0" * 32, [])
    with pytest.raises(
        TrainingError, match=rf"now is {teacher_of(stage)[:12]}, but 000000000000 was audited"
    ):
        train.run(stage)


def test_an_unfit_one_does_not_either(stage: Stage) -> None:
    write_fitness(fitness_path(stage), teacher_of(stage), ["it passes everything"])
    with pytest.raises(UnfitVerifierError, match="it passes everything"):
        train.run(stage)
