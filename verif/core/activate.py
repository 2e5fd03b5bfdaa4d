"""What a recipe needs of plugins, loaded in this process and checked."""

from __future__ import annotations

from pathlib import Path

from verif.core.reward import require_formula
from verif.recipe import Recipe
from verif.system import plugins


def activate(recipe: Recipe, root: Path | None = None) -> Recipe:
    """Load the recipe's plugins from the project at `root`; `RecipeError` for what even they do not bring.

    Every process does it that verifies, trains or measures with the recipe; without plugins it costs nothing.
    """
    plugins.load(recipe.plugins, root)
    require_formula(recipe.verifier.formula)
    if recipe.judged and recipe.plugins:
        from verif.core.judge.prompt import source

        source(recipe.verifier.prompt)
    return recipe
