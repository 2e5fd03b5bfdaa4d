"""Where a recipe's file of rows lies: what params.yaml names, or the pinned file of a hub."""

from __future__ import annotations

from pathlib import Path

from verif.data.hub import fetch_file
from verif.recipe import FileData


def row_file(section: FileData, named: Path) -> Path:
    """The file that params.yaml names, or the recipe's own in the hub cache.

    A hub's file that is not pinned is a `RecipeError`, one that cannot be had a `SetupError`, other bytes an `InputError`.
    """
    if not section.repo:
        return named
    return fetch_file("data", section.path, section.repo, section.revision, section.digest)
