"""A judge from the registry: the version that was named, whole, or one clear error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from verif.errors import InputError, RegistryError
from verif.pipeline.stages import registered
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.registry.store import Version
from verif.system.files import digest_tree

RECIPE = {
    "name": "r",
    "seed": 3,
    "data": {"kind": "world"},
    "policy": {"kind": "scratch"},
    "judge": {"kind": "registered"},
}


@dataclass
class Shelf:
    """A registry with two versions, the first of them champion."""

    mlflow: object
    name: str

    def versions(self) -> list[Version]:
        return [Version("1", "", "", {}, ("champion",), 0), Version("2", "", "", {}, (), 0)]

    def resolve(self, which: str) -> Version:
        for version in self.versions():
            if which == version.number or which in version.aliases:
                return version
        raise RegistryError(f"model {self.name} has no version or alias {which!r}.")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for number in ("1", "2"):
        folder = tmp_path / "store" / number
        folder.mkdir(parents=True)
        for name in ("config.json", "tokenizer.json"):
            (folder / name).write_text("{}")
        (folder / "model.safetensors").write_bytes(number.encode())
    monkeypatch.setattr(registered, "Registry", Shelf)
    monkeypatch.setattr(registered, "client", lambda root: None)
    monkeypatch.setattr(
        registered, "fetch", lambda registry, version, state: tmp_path / "store" / version.number
    )
    return Stage(tmp_path, parse_recipe(RECIPE, "here"), tmp_path)


def taken(stage: Stage, which: str, **named: Any) -> tuple[bytes, dict[str, Any]]:
    out = stage.models / "judge"
    told = registered.take(stage, "verif-judge-@seed", which, out, **named)
    return (out / "model.safetensors").read_bytes(), told


def test_an_alias_a_number_and_the_latest_are_taken(stage: Stage) -> None:
    assert [taken(stage, which)[0] for which in ("champion", "2", "latest")] == [b"1", b"2", b"2"]
    told = taken(stage, "champion")[1]
    assert (told["model_name"], told["version"]) == ("verif-judge-3", "1")
    assert told["digest"] == digest_tree(stage.models / "judge")


def test_another_model_than_the_recipe_names_is_refused_and_the_old_one_stays(stage: Stage) -> None:
    right = taken(stage, "champion")[1]["digest"]
    assert taken(stage, "champion", wanted=right)[0] == b"1"
    with pytest.raises(InputError, match="the recipe names"):
        taken(stage, "2", wanted=right)
    assert (stage.models / "judge" / "model.safetensors").read_bytes() == b"1"


def test_an_alias_that_nobody_has_is_the_registrys_error(stage: Stage) -> None:
    with pytest.raises(RegistryError, match="no version or alias 'nobody'"):
        taken(stage, "nobody")
