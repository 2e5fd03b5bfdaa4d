"""An unfit verifier is refused, with its reasons; fitness has the same bytes on every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stand_ins import local_recipe

from verif.audit.fitness import fitness_path, require_fit, write_fitness
from verif.errors import UnfitVerifierError
from verif.project import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, local_recipe(), tmp_path)


def test_a_fit_verifier_may_teach(stage: Stage) -> None:
    write_fitness(fitness_path(stage), "abc", [])
    assert require_fit(stage) == "abc"


def test_an_unfit_one_may_not_and_the_reasons_are_told(stage: Stage) -> None:
    write_fitness(fitness_path(stage), "abc", ["it passes everything", "it is slow"])
    with pytest.raises(UnfitVerifierError, match="it passes everything; it is slow") as refused:
        require_fit(stage)
    assert "verifier.json" in str(refused.value)


def test_the_same_audit_gives_the_same_bytes(stage: Stage) -> None:
    path = fitness_path(stage)
    write_fitness(path, "abc", ["x"])
    first = path.read_bytes()
    write_fitness(path, "abc", ["x"])
    assert path.read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"identity":"a","fit":1,"reasons":[]}', b"\xff"])
def test_anything_but_a_clear_yes_is_a_no(stage: Stage, content: bytes) -> None:
    with pytest.raises(UnfitVerifierError, match="no verifier was audited"):
        require_fit(stage)
    fitness_path(stage).parent.mkdir(parents=True)
    fitness_path(stage).write_bytes(content)
    with pytest.raises(UnfitVerifierError):
        require_fit(stage)
