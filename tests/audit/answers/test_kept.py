"""The threshold that an audit chose is kept with the fitness, and starts every later verifier of the same section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from verif.audit.fitness import fitness_path, write_fitness
from verif.project import Stage
from verif.recipe import Recipe, ReferenceSection, load_recipe
from verif.service.answers import NOBODY, references_part, threshold_of
from verif.service.lease import audited


def recipe(**fields: object) -> Recipe:
    local = load_recipe("local")
    section = ReferenceSection.model_validate(fields)
    return local.model_copy(update={"verifier": local.verifier.model_copy(update={"reference": section})})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path, recipe(model="features"), tmp_path)
    chosen = ReferenceSection(model="features", threshold=0.87)
    write_fitness(fitness_path(made), "id", [], reference=chosen)
    return made


def test_it_is_taken_for_the_section_that_was_audited(stage: Stage) -> None:
    section = audited(stage).verifier.reference
    assert section is not None
    assert section.threshold == 0.87


@pytest.mark.parametrize("fields", [{"min_precision": 0.9}, {"rules": False}])
def test_another_section_was_not_audited(stage: Stage, fields: dict[str, object]) -> None:
    other = replace(stage, recipe=recipe(model="features", **fields))
    section = audited(other).verifier.reference
    assert section is not None
    assert section.threshold is None


def test_a_served_models_word_does_not_count_before_its_audit() -> None:
    assert threshold_of(ReferenceSection(model="judge", digest="ab")) == NOBODY
    assert threshold_of(ReferenceSection(model="features")) < 1.0
    assert references_part(None) == references_part(ReferenceSection()) == ""
    parts = {references_part(ReferenceSection(model="judge", digest=d, threshold=0.9)) for d in ("ab", "cd")}
    assert len(parts) == 2
