"""What a recipe names and must be there wherever it runs: one list, for `verif plan`, the doctor and the flows."""

from __future__ import annotations

from pathlib import Path

from verif.audit.labels import FIX, labels
from verif.data.pin import unpinned
from verif.recipe import Recipe
from verif.system.check import Check


def recipe_checks(recipe: Recipe, root: Path) -> list[Check]:
    """Pins of the hub, and labelled responses where the judge cannot be audited without: else training refuses at last."""
    loose, labelled = unpinned(recipe), labels(recipe, root)
    said = f"{', '.join(loose)}: a cluster run refuses this" if loose else "all filled in"
    checks = [Check("pins", not loose, said, f"Run `verif recipe pin {recipe.name}`.")]
    return [*checks, Check("labelled responses", *labelled, f"Give {FIX}.")] if labelled else checks
