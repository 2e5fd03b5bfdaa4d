"""The text of the helpers that run inside the engine, from the files of `verif/core/sandbox/inside`.

The names of builtins are bound before a checker runs, so that a checker which gives `len` another meaning does
not change them; the tables of characters are written in as constants.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from functools import cache
from pathlib import Path

from verif.core.sandbox.names import DICT_NAMES, LIST_NAMES, STRING_METHODS

_FOLDER = Path(__file__).with_name("inside")
_FILES = ("classes", "groups", "patterns", "matching", "templates", "functions", "values")
_PREFIX = "_verif_b_"


def _ranges(text: str) -> list[tuple[int, int]]:
    pairs = [part.split("-") for part in text.split()]
    return [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]


def _inside(text: str) -> str:
    """Ranges as the inside of a class of characters."""

    def quoted(code: int) -> str:
        return ("\\" if chr(code) in "\\[]^-&~#" else "") + chr(code)

    return "".join(quoted(a) if a == b else quoted(a) + "-" + quoted(b) for a, b in _ranges(text))


def tables() -> dict[str, str]:
    """CPython 3.11's tables of characters, and where the engine's differ (made by `scripts/engine_tables.py`)."""
    read: dict[str, str] = json.loads((_FOLDER / "tables.json").read_text("ascii"))
    return read


def _constants() -> str:
    table = tables()
    sets = {"w": _inside(table["word"]), "d": _inside(table["digit"]), "s": _inside(table["space"])}
    groups = table["fold"].split()
    return "\n".join(
        [
            "import re as _verif_re",
            f"_verif_exact_sets = {sets!r}",
            f"_verif_fold_groups = {groups!r}",
            "_verif_fold = {c: g for g in _verif_fold_groups for c in g}",
            f"_verif_odd = _verif_re.compile({'[' + _inside(table['odd']) + ']'!r})",
            f"_verif_strange = _verif_re.compile({'[' + _inside(table['strange']) + ']'!r})",
            f"_verif_str_names = {tuple(sorted(STRING_METHODS))!r}",
            f"_verif_list_names = {tuple(sorted(LIST_NAMES))!r}",
            f"_verif_dict_names = {tuple(sorted(DICT_NAMES))!r}",
            "",
        ]
    )


class _Bind(ast.NodeTransformer):
    """Builtins under names that no checker can reach; no docstrings."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if hasattr(builtins, node.id) and isinstance(node.ctx, ast.Load):
            self.used.add(node.id)
            return ast.copy_location(ast.Name(_PREFIX + node.id, ast.Load()), node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)


@cache
def text() -> str:
    """All helpers, as the engine takes them."""
    tree = ast.parse("\n".join((_FOLDER / f"{name}.py").read_text("utf-8") for name in _FILES))
    bind = _Bind()
    code = ast.unparse(ast.fix_missing_locations(bind.visit(tree)))
    bound = "".join(f"{_PREFIX}{name} = {name}\n" for name in sorted(bind.used))
    return _constants() + bound + code + "\n"


def part(wanted: frozenset[str], whole: str) -> list[ast.stmt]:
    """The statements of `whole` that define the `wanted` names, and what these refer to."""
    statements, owners, reads = _parsed(whole)
    kept: set[int] = set()
    left = list(wanted)
    while left:
        at = owners.get(left.pop())
        if at is not None and at not in kept:
            kept.add(at)
            left += reads[at]
    return [statements[at] for at in sorted(kept)]


@cache
def _parsed(whole: str) -> tuple[list[ast.stmt], dict[str, int], list[list[str]]]:
    """The statements, the first that defines each name, and the names that each one mentions."""
    statements = ast.parse(whole).body
    owners: dict[str, int] = {}
    for index, statement in enumerate(statements):
        for name in _defined(statement):
            owners.setdefault(name, index)
    return statements, owners, [[n.id for n in ast.walk(s) if isinstance(n, ast.Name)] for s in statements]


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import):
        return {alias.asname or alias.name for alias in statement.names}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


@cache
def strange() -> re.Pattern[str]:
    """Finds characters of which the engine and CPython 3.11 say different things."""
    return re.compile("[" + _inside(tables()["strange"]) + "]")


@cache
def names() -> frozenset[str]:
    """Every name that the helpers define."""
    return frozenset(name for statement in ast.parse(text()).body for name in _defined(statement))
