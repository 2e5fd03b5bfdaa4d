"""Which checkers may share a sandbox session: only those whose syntax tree proves that nothing can pass between calls.

The harness builds a checker's whole namespace anew for every response (`verif.core.sandbox.feed`), unless
nothing in it can change (`fixed_namespace`), so constants, helpers and mutable defaults are fresh each
time. What could still outlive a call is refused here: `global`, names that are not the checker's own,
dynamic code, dunder names, classes, modules with state. `while` is refused because it need not end.
Everything is a whitelist: an unknown node or name means "runs alone", never "probably fine".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from verif.core.sandbox.faster import HELPERS
from verif.core.sandbox.shims import CONSTANTS

#: A source that carries this line was demoted (`verif.data.screening.screen`): its verdicts changed with the order of calls.
ALONE_MARK = "# verif: run alone"

#: Modules without mutable state or effects. `random`, `time`, `datetime`, `os` and `sys` are not among them.
MODULES = frozenset({"re", "string", "math", "json", "unicodedata", "collections", "itertools", "__future__"})

BUILTINS = frozenset(
    """abs all any ascii bin bool bytes callable chr dict divmod enumerate filter float format frozenset hex int
    isinstance issubclass iter len list map max min next oct ord pow print range repr reversed round set sorted str sum
    tuple zip True False None NotImplemented Exception ArithmeticError AssertionError AttributeError IndexError
    KeyError LookupError NameError RuntimeError StopIteration TypeError ValueError ZeroDivisionError""".split()  # noqa: SIM905
)

#: Names that start so are the harness's; a row's own source may hold none.
OURS = "_verif"

#: Functions and constants of ours that rewriting may put into a checker: nothing that could be written to.
HARNESS = CONSTANTS | {node.name for node in ast.parse(HELPERS).body if isinstance(node, ast.FunctionDef)}

#: Where nodes hold names, in whatever role.
_NAMED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Name: ("id",), ast.Attribute: ("attr",), ast.arg: ("arg",), ast.keyword: ("arg",), ast.FunctionDef: ("name",),
    ast.ClassDef: ("name",), ast.ExceptHandler: ("name",), ast.alias: ("name", "asname"), ast.ImportFrom: ("module",),
}  # fmt: skip

_ALLOWED = frozenset({
    ast.Module, ast.Import, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign,
    ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.Break, ast.Continue, ast.Pass, ast.Try,
    ast.ExceptHandler, ast.Raise, ast.Assert,
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Call, ast.keyword,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda, ast.List, ast.Tuple, ast.Set,
    ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.JoinedStr,
    ast.FormattedValue, ast.NamedExpr, ast.Load, ast.Store,
    *ast.operator.__subclasses__(), *ast.unaryop.__subclasses__(), *ast.boolop.__subclasses__(),
    *ast.cmpop.__subclasses__(),
})  # fmt: skip


def taken(nodes: list[ast.AST]) -> str:
    """Why a row's own source may not run at all for its names: one is the harness's, and could find it."""
    for name in _written(nodes):
        if name.startswith(OURS):
            return f"uses the name {name!r}, which is the sandbox's"
    return ""


def foreign(nodes: list[ast.AST]) -> str:
    """Why a row's own source may not be shared for its names: the harness's, dunder names, names beyond ASCII.

    Beyond ASCII two parsers may disagree on what is the same name (`ｅxec`).
    """
    for name in _written(nodes):
        if _reserved(name) or not name.isascii():
            return f"uses the name {name!r}"
    return ""


def _written(nodes: list[ast.AST]) -> Iterator[str]:
    """Every name that stands in these nodes, in whatever role."""
    for node in nodes:
        for field in _NAMED.get(type(node), ()):
            if name := getattr(node, field):
                yield name
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def why_alone(source: str, nodes: list[ast.AST]) -> str:
    """Why this checker must run in a session of its own; "" if it is proved harmless to its neighbours.

    `nodes` are all nodes of its tree, but for names of the harness that rewriting put there.
    """
    if ALONE_MARK in source:
        return "marked: its verdicts changed with the order of calls"
    own: set[str] = set()
    read: set[str] = set()
    for node in nodes:
        kind = type(node)
        if kind not in _ALLOWED:
            return f"uses {kind.__name__}"
        if kind is ast.Name:
            (read if type(node.ctx) is ast.Load else own).add(node.id)  # type: ignore[attr-defined]
        elif kind is ast.Attribute:
            if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
                return "writes an attribute"
            if _reserved(node.attr):  # type: ignore[attr-defined]
                return f"uses the name {node.attr!r}"  # type: ignore[attr-defined]
        elif reason := _bind(node, own):
            return reason
    bad = [name for name in own | read if _reserved(name)] or [
        name for name in read if name not in own and name not in BUILTINS
    ]
    return f"uses the outside name {min(bad)!r}" if bad else ""


def fixed_namespace(tree: ast.Module) -> bool:
    """True if the checker's top level holds nothing that a call could change: one namespace serves all responses."""
    return all(_fixed(statement) for statement in tree.body)


def _fixed(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        defaults = [*statement.args.defaults, *(d for d in statement.args.kw_defaults if d is not None)]
        return all(isinstance(default, ast.Constant) for default in defaults)
    if isinstance(statement, ast.Assign | ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _reserved(name: str) -> bool:
    return name.startswith(("__", OURS)) and name != "__future__"


def _bind(node: ast.AST, own: set[str]) -> str:
    """Add the names a definition, argument, handler or import binds to `own`; the reason if it may not stand here.

    Which scope a name is bound in does not matter: none of them is the harness's.
    """
    if type(node) is ast.alias:
        own.add(node.asname or node.name.partition(".")[0])
    elif isinstance(node, ast.arg):
        own.add(node.arg)
    elif isinstance(node, ast.FunctionDef):
        own.add(node.name)
        return "uses a decorator" if node.decorator_list else ""
    elif isinstance(node, ast.ExceptHandler):
        own.add(node.name or "_")
    elif isinstance(node, ast.Import):
        bad = [alias.name for alias in node.names if alias.name not in MODULES]
        return f"imports {bad[0]!r}" if bad else ""
    elif isinstance(node, ast.ImportFrom):
        if node.level or node.names[0].name == "*":
            return "imports everything or relatively"
        return "" if node.module in MODULES else f"imports {node.module!r}"
    return ""
