"""params.yaml: what may stand in it, and that nothing is written when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from verif.cli.app import main
from verif.errors import InputError, RecipeError
from verif.project import HUB, WORLD, read_parameters, record_overrides, recorded_overrides, set_parameters
from verif.recipe import Recipe, Section


@pytest.fixture
def here(tmp_path: Path, root: Path) -> Path:
    """A folder with the recipes and the default parameters."""
    (tmp_path / "recipes").mkdir()
    for name in ("local", "verinstruct-tiny"):
        (tmp_path / "recipes" / f"{name}.yaml").write_text((root / "recipes" / f"{name}.yaml").read_text())
    (tmp_path / "params.yaml").write_text(f"recipe: local\ndata: {WORLD}\n")
    return tmp_path


def test_unchanged_parameters_are_not_rewritten(here: Path) -> None:
    before = (here / "params.yaml").stat().st_mtime_ns
    assert set_parameters(here) == {"recipe": "local", "data": WORLD}
    assert (here / "params.yaml").stat().st_mtime_ns == before


def test_a_file_goes_with_its_recipe_and_the_world_comes_back_by_itself(here: Path) -> None:
    (here / "rows.jsonl").write_text("{}\n")
    assert set_parameters(here, "verinstruct-tiny", "rows.jsonl")["data"] == "rows.jsonl"
    assert set_parameters(here)["recipe"] == "verinstruct-tiny"
    assert set_parameters(here, "local") == {"recipe": "local", "data": WORLD}
    assert "# Which recipe" in (here / "params.yaml").read_text()


def test_rows_of_a_hub_need_no_file_and_depend_on_the_code_that_fetches_them(here: Path) -> None:
    text = (here / "recipes" / "verinstruct-tiny.yaml").read_text()
    named = text.replace("kind: verinstruct", "kind: verinstruct\n  repo: org/rows\n  path: rows.jsonl")
    assert named != text
    (here / "recipes" / "named.yaml").write_text(named.replace("name: verinstruct-tiny", "name: named"))
    assert set_parameters(here, "named") == {"recipe": "named", "data": HUB}
    with pytest.raises(RecipeError, match="takes its rows from org/rows and reads no file"):
        set_parameters(here, "named", "rows.jsonl")
    with pytest.raises(RecipeError, match="needs a file of instructions"):
        set_parameters(here, "verinstruct-tiny")


@pytest.mark.parametrize(
    ("recipe", "data", "error", "says"),
    [
        ("locale", "", RecipeError, "Known recipes: local, verinstruct-tiny"),
        ("verinstruct-tiny", "", RecipeError, "needs a file of instructions"),
        ("verinstruct-tiny", "gone.jsonl", InputError, "does not exist"),
        ("local", "rows.jsonl", RecipeError, "reads no file"),
    ],
)
def test_what_does_not_fit_is_one_error_and_changes_nothing(
    here: Path, recipe: str, data: str, error: type[Exception], says: str
) -> None:
    before = (here / "params.yaml").read_bytes()
    with pytest.raises(error, match=says):
        set_parameters(here, recipe, data)
    assert (here / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "text", ["recipe: local\n", "recipe: [\n", "just text\n", "recipe: a\ndata: b\nmore: c\n"]
)
def test_a_broken_params_file_names_itself(here: Path, text: str) -> None:
    (here / "params.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"params\.yaml"):
        read_parameters(here)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--recipe", "locale"], "unknown recipe 'locale'"),
        (["--set", "train.steps=0"], "train.steps: Input should be greater than or equal to 1"),
        (["--set", "train.stops=5"], "train.stops: Extra inputs are not permitted"),
        (["--set", "nonsense"], "is not of the form section.key=value"),
    ],
)
def test_the_command_says_it_in_one_line(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(here)
    monkeypatch.setattr("sys.argv", ["verif", "run", *arguments])
    before = (here / "recipes" / "local.yaml").read_bytes()
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line
    assert (here / "recipes" / "local.yaml").read_bytes() == before


def test_the_command_refuses_a_directory_without_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["verif", "run"])
    with pytest.raises(SystemExit):
        main()
    assert "Run verif from the project's root" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_overrides_are_kept_with_their_digest(tmp_path: Path) -> None:
    assert recorded_overrides(tmp_path) == {}
    record_overrides(tmp_path, {"train.steps": 3})
    assert recorded_overrides(tmp_path) == {"train.steps": 3}


def names(section: type[Section], seen: set[type[Section]]) -> Iterator[str]:
    """Dotted names of all keys of a recipe section, as DVC's parameters have them."""
    seen.add(section)
    for name, found in section.model_fields.items():
        key = found.alias or name
        yield key
        for inner in sections(found.annotation):
            if inner not in seen:
                yield from (f"{key}.{rest}" for rest in names(inner, seen))


def sections(annotation: object) -> Iterator[type[Section]]:
    """The sections in a type, however deep in unions, tuples and dictionaries."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from sections(part)


def test_no_parameter_has_a_name_that_dvcs_run_cache_does_not_see() -> None:
    """DVC takes `size` and `nfiles` out of what it compares: a change in such a key would restore an old result."""
    found = list(names(Recipe, set()))
    assert {"train.steps", "verifier.gate.max_attack_success", "register.gate.min_gain"} <= set(found)
    assert [name for name in found if name.rpartition(".")[2] in {"size", "nfiles"}] == []


def test_the_run_cache_is_still_blind_to_just_these() -> None:
    stage_cache = pytest.importorskip("dvc.stage.cache")
    lock = {"cmd": "c", "deps": [], "params": {"r.yaml": {"size": 1, "nfiles": 1, "steps": 1}}}
    for name, seen in {"size": False, "nfiles": False, "steps": True}.items():
        other = {**lock, "params": {"r.yaml": {**lock["params"]["r.yaml"], name: 2}}}
        assert (stage_cache._get_cache_hash(lock) != stage_cache._get_cache_hash(other)) is seen, name


@pytest.mark.parametrize("module", ["verif", "verif.cli"])
def test_the_command_runs_as_a_module_too(module: str, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Run the pipeline through Prefect" in done.stdout
