"""Can the recipe's judge be audited? On real data only labelled responses say so, and the end of a long run is late."""

from __future__ import annotations

from pathlib import Path

from verif.errors import InputError
from verif.recipe import FileData, Recipe

FIX = "about 200 responses labelled by people, named by `data.labelled` in the recipe (docs/audit.md)"
REFUSES = "the judge cannot be audited and training will refuse"


def labels(recipe: Recipe, root: Path) -> tuple[bool, str] | None:
    """Whether the recipe's labelled responses suffice for its judge, and what there is; None if it needs none."""
    if not recipe.judged or not isinstance(recipe.data, FileData):
        return None
    from verif.audit.cases import from_golden
    from verif.audit.gate import MIN_CASES
    from verif.data.labelled import read_labelled

    name = recipe.data.labelled
    if not name:
        return False, f"the recipe names none: {REFUSES}"
    if not (root / name).is_file():
        return False, f"{name} does not exist: {REFUSES}"
    try:
        soft = [case.soft for case in from_golden(read_labelled(root / name))]
    except InputError as error:
        return False, error.message
    true, false = soft.count(True), soft.count(False)
    counted = f"{name}: {len(soft)} responses, {true} keep all soft constraints, {false} do not"
    if min(true, false) < MIN_CASES:
        return False, f"{counted}; at least {MIN_CASES} of each, or {REFUSES}"
    return True, counted
