"""What the sandbox's Python lacks or has otherwise than CPython, supplied by rewriting; and what is refused.

`unsupported` says why a checker cannot be decided as CPython would (`verif.core.sandbox.semantics`). `supply` rewrites
the rest: functions of `re`, handlers, unbound string methods, `str.translate`, the constants of `string`, rounding,
numbers from texts, searches from a position, formats, the order of sets. The functions that it names are in
`verif/core/sandbox/inside`; a session that checkers share holds them once, one that runs alone gets them with the tree.
"""

from __future__ import annotations

import ast
import string
from functools import cache
from typing import Any

from verif.core.sandbox import helpers, names, semantics
from verif.core.sandbox.rewriting import FROM, MODULE_SHIMS, RENAMED, rewritten
from verif.core.sandbox.semantics import ENTRY, entry_texts, reads_tables

STRING_METHODS = names.STRING_METHODS

#: `string` as the sandbox sees it.
STRING_MODULE: dict[str, Any] = {
    name: getattr(string, name) for name in sorted(names.MODULES["string"] or ())
}

_UNBOUND = """
def _verif_str_{name}(text, *args, **kwargs):
    if not isinstance(text, str):
        raise TypeError("descriptor '{name}' for 'str' objects doesn't apply")
    return text.{name}(*args, **kwargs)
"""
_STRING = "".join(f"_verif_string_{name} = {value!r}\n" for name, value in STRING_MODULE.items())
_METHODS = "".join(_UNBOUND.format(name=name) for name in sorted(STRING_METHODS))

#: The constants of `string`, each by a name of its own: a module or class could be written to.
CONSTANTS = frozenset(f"_verif_string_{name}" for name in STRING_MODULE)

#: What a checker may be lent: nothing that gives out what the helpers remember (`_verif_compiled`).
LENT = (
    CONSTANTS
    | {*names.RE_FUNCTIONS.values(), *RENAMED.values(), *MODULE_SHIMS.values()}
    | {f"_verif_str_{name}" for name in STRING_METHODS}
    | {
        f"_verif_{name}"
        for name in """all any caught count find_words from maketrans next not_a_set ordered pop shown split_after text
        translate""".split()  # noqa: SIM905
    }
)

#: Names that rewriting may bring into a checker.
NAMES = (
    helpers.names()
    | {f"_verif_str_{name}" for name in STRING_METHODS}
    | CONSTANTS
    | {"_verif_error", "_verif_item"}
)


def unsupported(nodes: list[ast.AST]) -> str:
    """Why the engine cannot run this faithfully, as far as the syntax shows it."""
    refusal = semantics.why_refused(nodes, _parents(nodes))
    return refusal or _unclear(nodes)


def needed(nodes: list[ast.AST]) -> bool:
    """False if `supply` would change nothing but calls of `re`, as for nearly every checker of VerInstruct."""
    modules = set(semantics.imported(nodes).items())
    return bool(modules - {("re", "re")}) or any(_needs(node) for node in nodes)


def _needs(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom() | ast.Try() | ast.JoinedStr() | ast.Set() | ast.SetComp():
            return True
        case ast.Attribute(attr=attr):
            re_object = isinstance(node.value, ast.Name) and node.value.id == "re"
            if re_object:
                return attr in ("X", "VERBOSE", "U", "UNICODE", "compile") or not isinstance(
                    node.ctx, ast.Load
                )
            shimmed = (
                attr in names.UNICODE_METHODS
                or attr in FROM
                or attr in names.SET_METHODS | names.MUTATORS | {"keys"}
            )
            return (
                shimmed
                or attr == "translate"
                or (isinstance(node.value, ast.Name) and node.value.id == "str")
            )
        case ast.Name(id=name):
            return name in RENAMED or name in ("set", "frozenset", "next", "format", "repr")
        case ast.Call(func=ast.Name(id="str")) | ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
            return True
        case ast.Call(func=ast.Attribute(attr="format")) | ast.keyword(value=ast.Attribute()):
            return not (isinstance(node, ast.keyword) and node.arg != "key")
    return False


def supply(tree: ast.Module, alone: bool = True) -> ast.Module:
    """The tree with the missing pieces supplied; with the helpers' own text if it runs `alone`."""
    tree = rewritten(tree)
    if alone:
        used = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in NAMES)
        tree.body = [*helpers.part(used, code()), *tree.body]
    return ast.fix_missing_locations(tree)


@cache
def code() -> str:
    """The text of everything that rewriting may refer to."""
    return helpers.text() + _METHODS + _STRING


def _parents(nodes: list[ast.AST]) -> dict[int, ast.AST]:
    return {id(child): node for node in nodes for child in ast.iter_child_nodes(node)}


def _unclear(nodes: list[ast.AST]) -> str:
    """Uses of names that rewriting must understand and does not."""
    parents = _parents(nodes)
    bound = semantics.rebound(nodes)
    modules = semantics.imported(nodes)
    for node in nodes:
        if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            continue
        above = parents.get(id(node))
        if node.id in modules and not isinstance(above, ast.Attribute):
            return f"uses the module {node.id!r} as a value"
        if modules.get(node.id) == "re" and isinstance(above, ast.Attribute) and above.attr in names.RE_FLAGS:
            shown = parents.get(id(above))
            if isinstance(shown, ast.FormattedValue) or (
                isinstance(shown, ast.Call)
                and isinstance(shown.func, ast.Name)
                and shown.func.id in ("str", "repr")
            ):
                return "shows a flag of a regular expression"
        if node.id in ("int", "float") and node.id not in bound and not _clear_type(node, parents):
            return f"uses {node.id!r} as a value"
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    stored |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    both = (stored | {n.name for n in nodes if isinstance(n, ast.FunctionDef)}) & set(modules)
    if both:
        return f"gives the module's name {min(both)!r} another meaning"
    if reads_tables(nodes):
        if not any(entry_texts(n) for n in nodes):
            return f"makes its {ENTRY!r} in a way that cannot be followed"
        if any(isinstance(n, ast.Constant) and _holds_strange(n.value) for n in nodes):
            return "holds characters that CPython 3.11 does not know"
    return ""


def _holds_strange(value: object) -> bool:
    if isinstance(value, bytes):
        return helpers.strange().search(value.decode("utf-8", "replace")) is not None
    return isinstance(value, str) and helpers.strange().search(value) is not None


def _clear_type(node: ast.Name, parents: dict[int, ast.AST]) -> bool:
    above = parents.get(id(node))
    if isinstance(above, ast.Tuple | ast.BinOp):
        above = parents.get(id(above))
    if isinstance(above, ast.Call):
        if above.func is node:
            return True
        name = above.func.id if isinstance(above.func, ast.Name) else getattr(above.func, "attr", "")
        return name in ("isinstance", "issubclass", "map", "defaultdict")
    return isinstance(
        above, ast.Compare | ast.arg | ast.AnnAssign | ast.FunctionDef | ast.Subscript | ast.keyword
    )
