"""A model from the registry as a stage's output: a judge that an earlier run trained and its gate let through."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from verif.data.hub import check_folder
from verif.errors import InputError
from verif.project import Stage
from verif.registry.runs.mlflow import client
from verif.registry.store import Registry
from verif.registry.versions import fetch
from verif.system.files import digest_tree, new_directory

SEED, LATEST = "@seed", "latest"
"""In a model's name: the recipe's seed, so that a sweep gives each seed the judge that was trained with it. As a version:
the one registered last, whatever its gate said."""


def take(stage: Stage, name: str, which: str, out: Path, wanted: str = "") -> dict[str, Any]:
    """Copy a registered version to `out`, checked against its manifest; returns what it was.

    `RegistryError` where there is none; `InputError` where it is not the one of digest `wanted`.
    """
    registry = Registry(client(stage.root), name.replace(SEED, str(stage.recipe.seed)))
    versions = registry.versions() if which == LATEST else []
    version = versions[-1] if versions else registry.resolve(which)
    place = fetch(registry, version, stage.state)
    got = digest_tree(place)
    if wanted and got != wanted:
        raise InputError(
            f"version {version.number} of {registry.name} ({which}) has digest {got}, the recipe names {wanted}",
            field="judge.digest", hint="The alias has moved: name its version, or the new digest.",
        )  # fmt: skip
    with new_directory(out) as folder:
        shutil.copytree(place, folder, dirs_exist_ok=True)
        check_folder(folder)
    return {"model_name": registry.name, "version": version.number, "alias": which, "digest": got}
