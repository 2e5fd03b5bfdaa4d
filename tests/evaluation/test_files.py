"""A benchmark's file that changes is measured anew: it lies where DVC looks, or the recipe names its content."""

import shutil
from pathlib import Path

import pytest
import yaml

from verif.data.benchmark_files import without_rows
from verif.errors import RecipeError
from verif.project import Stage, apply_overrides
from verif.recipe import Evaluate, load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def section(path: Path | str, digest: str = "") -> Evaluate:
    return Evaluate.model_validate(
        {"benchmarks": [{"name": "ifeval", "path": str(path), "digest": digest}, {"name": "world-test"}]}
    )


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "rows.jsonl"
    path.parent.mkdir()
    path.write_text('{"key": 1}\n')
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "benchmark-files").mkdir(parents=True)
    (root / "recipes").mkdir()
    shutil.copyfile(RECIPES / "local.yaml", root / "recipes" / "local.yaml")
    return root


def test_a_file_where_dvc_looks_is_taken_as_it_is(project: Path, rows: Path) -> None:
    shutil.copyfile(rows, project / "benchmark-files" / "rows.jsonl")
    assert without_rows(section("benchmark-files/rows.jsonl"), project) == {}
    assert "does not exist" in without_rows(section("benchmark-files/other.jsonl"), project)["ifeval"]


def test_a_file_elsewhere_needs_its_digest(project: Path, rows: Path) -> None:
    said = without_rows(section(rows), project)["ifeval"]
    assert "outside benchmark-files/" in said
    digest = said.rsplit(maxsplit=1)[1]
    assert without_rows(section(rows, digest), project) == {}
    rows.write_text('{"key": 2}\n')
    assert f"the recipe names {digest}" in without_rows(section(rows, digest), project)["ifeval"]


def test_the_stage_refuses_other_rows_than_the_recipe_names(project: Path, rows: Path) -> None:
    from verif.pipeline.stages.evaluate import load_suites

    recipe = load_recipe("local", project / "recipes").model_copy(
        update={"evaluate": section(rows, "0" * 32)}
    )
    with pytest.raises(RecipeError, match="has digest"):
        load_suites(Stage(project, recipe, project))


def test_an_override_carries_the_content_that_it_was_given_with(project: Path, rows: Path) -> None:
    """So a changed file is a changed parameter, and DVC evaluates again."""
    given = {"evaluate.benchmarks": [{"name": "ifeval", "path": str(rows)}]}
    found = []
    for text in ('{"key": 1}\n', '{"key": 2}\n'):
        rows.write_text(text)
        apply_overrides(project, "local", given)
        found.append(
            yaml.safe_load((project / "recipes" / "local.yaml").read_text())["evaluate"]["benchmarks"]
        )
        assert without_rows(load_recipe("local", project / "recipes").evaluate, project) == {}
    assert found[0] != found[1]
