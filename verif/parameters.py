"""params.yaml: which recipe runs on which data. Checked before it is written, written only when it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from verif.errors import InputError, RecipeError
from verif.system.files import digest, write_bytes, write_json
from verif.recipe import VerInstructData, WorldData, load_recipe

WORLD = "verif/data/world"
HEADER = "# Which recipe the pipeline runs, and where its instructions come from: the local world (code) or a file.\n"


def read_parameters(root: Path) -> dict[str, str]:
    """The two keys of params.yaml."""
    path = root / "params.yaml"
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path} does not exist.", "Run verif from the project's root.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(raw, dict) or set(raw) != {"recipe", "data"}:
        raise RecipeError(f"{path} must hold exactly the keys `recipe` and `data`.")
    return {key: str(value) for key, value in raw.items()}


def set_parameters(root: Path, recipe: str = "", data: str = "") -> dict[str, str]:
    """Point params.yaml at a recipe and its data; empty means as it stands. Returns what now holds.

    A recipe of the local world reads the world's code; any other needs a file that exists.
    """
    now = read_parameters(root)
    name = recipe or now["recipe"]
    kind = load_recipe(name, root / "recipes").data
    source = data or now["data"]
    if isinstance(kind, WorldData):
        if data and data != WORLD:
            raise RecipeError(
                f"recipe {name!r} draws its own world and reads no file.",
                "Leave DATA out, or choose another recipe.",
            )
        source = WORLD
    elif source == WORLD:
        raise RecipeError(
            f"recipe {name!r} needs a file of instructions.", "Name it: make run RECIPE=... DATA=file.jsonl"
        )
    if isinstance(kind, VerInstructData) and not (root / source).is_file():
        raise InputError("the data file does not exist.", file=root / source)
    new = {"recipe": name, "data": source}
    if new != now:
        write_bytes(root / "params.yaml", (HEADER + yaml.safe_dump(new, sort_keys=False)).encode())
    return new


def record_overrides(root: Path, overrides: Mapping[str, Any]) -> None:
    """Keep this run's overrides, with their digest, for the lineage and for pods (a commit does not hold them)."""
    write_json(
        root / ".verif" / "overrides.json", {"overrides": dict(overrides), "digest": digest(dict(overrides))}
    )


def recorded_overrides(root: Path) -> dict[str, Any]:
    """The overrides of the run that works here; none if nothing was recorded."""
    path = root / ".verif" / "overrides.json"
    return dict(json.loads(path.read_text("utf-8"))["overrides"]) if path.is_file() else {}
