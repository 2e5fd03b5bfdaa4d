"""Which checkers may share a sandbox session: only those whose syntax tree proves that nothing can pass between calls.

The harness builds a checker's whole namespace anew for every response (`verif.checkers.feed`), unless
nothing in it can change (`fixed_namespace`), so constants, helpers and mutable defaults are fresh each
time. What could still outlive a call is refused here: `global`, names that are not the checker's own,
dynamic code, dunder names, classes, modules with state. `while` is refused because it need not end.
Everything is a whitelist: an unknown node or name means "runs alone", never "probably fine".
"""

from __future__ import annotations

import ast

#: A source that carries this line was demoted (`verif.checkers.screen`): its verdicts changed with the order of calls.
ALONE_MARK = "# verif: run alone"

#: Modules without mutable state or effects. `random`, `time`, `datetime`, `os` and `sys` are not among them.
MODULES = frozenset({"re", "string", "math", "json", "unicodedata", "collections", "itertools"})

BUILTINS = frozenset(
    """abs all any ascii bin bool bytes callable chr dict divmod enumerate filter float format frozenset hex int
    isinstance issubclass iter len list map max min next oct ord pow print range repr reversed round set sorted str sum
    tuple zip True False None NotImplemented Exception ArithmeticError AssertionError AttributeError IndexError
    KeyError LookupError NameError RuntimeError StopIteration TypeError ValueError ZeroDivisionError""".split()
)

_STATEMENTS = (
    ast.Import, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign,
    ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.Break, ast.Continue, ast.Pass, ast.Try,
    ast.ExceptHandler, ast.Raise, ast.Assert,
)  # fmt: skip
_EXPRESSIONS = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Call, ast.keyword,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda, ast.List, ast.Tuple, ast.Set,
    ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.JoinedStr,
    ast.FormattedValue, ast.NamedExpr, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
_ALLOWED = (ast.Module, *_STATEMENTS, *_EXPRESSIONS)


def why_alone(source: str, tree: ast.Module) -> str:
    """Why this checker must run in a session of its own; "" if it is proved harmless to its neighbours."""
    if ALONE_MARK in source:
        return "marked: its verdicts changed with the order of calls"
    own = _own_names(tree)
    for node in ast.walk(tree):
        if reason := _refuse(node, own):
            return reason
    return ""


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


def _refuse(node: ast.AST, own: set[str]) -> str:
    if not isinstance(node, _ALLOWED):
        return f"uses {type(node).__name__}"
    if (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id not in own
        and node.id not in BUILTINS
    ):
        return f"reads the outside name {node.id!r}"
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return "writes an attribute"
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return "uses a decorator"
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _refuse_import(node)
    for name in _names_of(node):
        if name.startswith("__") or name.startswith("_verif"):
            return f"uses the name {name!r}"
    return ""


def _refuse_import(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.ImportFrom) and (node.level or any(alias.name == "*" for alias in node.names)):
        return "imports everything or relatively"
    modules = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    )
    bad = [name for name in modules if name not in MODULES and name != "__future__"]
    return f"imports {bad[0]!r}" if bad else ""


def _names_of(node: ast.AST) -> list[str]:
    """Identifiers a node carries."""
    found = [getattr(node, field, None) for field in ("id", "attr", "name", "arg", "asname")]
    return [name for name in found if isinstance(name, str)]


def _own_names(tree: ast.Module) -> set[str]:
    """Names the checker itself binds anywhere (which scope does not matter: none of them is the harness's)."""
    own: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            own.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            own.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            own.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return own
