"""A name means one thing: no two classes of the product share one, and no variable is called by a word that says nothing."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Parameter models of rules are named in the one file that registers the rule, and nowhere else.
RULES = ROOT / "verif" / "core" / "rules"
PRODUCT = ("verif", "flows", "benchmarks", "scripts")
# Names that say nothing of what they hold.
EMPTY_NAMES = ("found", "one")


@cache
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


def test_no_variable_says_nothing() -> None:
    empty = []
    for folder in (*PRODUCT, "examples"):
        for path, tree in trees(folder):
            for node in ast.walk(tree):
                name = (
                    node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
                )
                if name in EMPTY_NAMES:
                    empty.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not empty, f"variables named `found` or `one`: say what they hold: {', '.join(empty)}"
