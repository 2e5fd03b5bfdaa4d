"""Parameters overridden for one run: `{"train.learning_rate": 0.0005}` on top of the recipe's file.

A commit does not hold them, so they travel to a pod as JSON beside their digest and stand in the lineage.
Applying them writes the recipe file of a *clone*, where DVC sees them as what they are: changed parameters.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from verif.errors import RecipeError
from verif.system.files import digest, write_bytes
from verif.recipe import parse_recipe

Overrides = Mapping[str, Any]


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`["train.steps=20"]` as a mapping; values are YAML scalars."""
    out: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"override {pair!r} is not of the form section.key=value.")
        try:
            out[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RecipeError(f"override {pair!r}: the value is not YAML: {error}") from None
    return out


def overrides_digest(overrides: Overrides) -> str:
    """The digest that travels beside the overrides; the empty set has one too."""
    return digest(dict(overrides))


def merged(raw: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """The recipe's raw mapping with each dotted key set; unknown keys are caught by the recipe's own validation."""
    out: dict[str, Any] = yaml.safe_load(yaml.safe_dump(raw))
    for key, value in overrides.items():
        node = out
        *path, last = key.split(".")
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise RecipeError(f"override {key!r}: {part!r} is a value, not a section.")
            node = child
        node[last] = value
    return out


def apply_overrides(root: Path, recipe: str, overrides: Overrides) -> None:
    """Write the overridden recipe into `root` (a clone made for this run); validated before anything is written."""
    if not overrides:
        return
    path = root / "recipes" / f"{recipe}.yaml"
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.")
    new = merged(yaml.safe_load(path.read_text("utf-8")), overrides)
    parse_recipe(new, f"{path} with overrides")
    buffer = io.StringIO()
    yaml.safe_dump(new, buffer, sort_keys=False, allow_unicode=True)
    write_bytes(path, buffer.getvalue().encode("utf-8"))
