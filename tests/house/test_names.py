"""A name means one thing: no two classes of the product share one, and variables that say nothing get fewer."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Parameter models of rules are named in the one file that registers the rule, and nowhere else.
RULES = ROOT / "verif" / "core" / "rules"
PRODUCT = ("verif", "flows", "benchmarks", "scripts")
# Variables called `found` or `one`, per top-level folder. Lower a figure when you have renamed some; never raise it.
EMPTY_NAMES = {"verif": 343, "flows": 5}


def trees(folder: str) -> list[tuple[Path, ast.Module]]:
    """The parsed files of a top-level folder."""
    return [(path, ast.parse(path.read_text("utf-8"))) for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for folder in PRODUCT:
        for path, tree in trees(folder):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and RULES not in path.parents:
                    places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert not shared, f"give the lesser one a name that says what it is: {shared}"


def test_variables_that_say_nothing_get_fewer() -> None:
    for folder, most in EMPTY_NAMES.items():
        count = sum(
            isinstance(node, ast.Name) and node.id in ("found", "one") and isinstance(node.ctx, ast.Store)
            for _, tree in trees(folder)
            for node in ast.walk(tree)
        )
        assert count <= most, (
            f"{folder}: {count} variables named `found` or `one`, {most} allowed: name the thing"
        )
