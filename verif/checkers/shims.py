"""What the sandbox's Python lacks and model-written checkers use, supplied by rewriting; and what is refused.

Supplied, with Python's results: unbound string methods (`map(str.lower, words)`), `str.maketrans` and
`str.translate`, the constants of `string`. Refused with a reason:
classes whose special methods the engine would silently ignore, generators, `del` of names and what else its
parser does not know (it says so itself when the checker is screened).
"""

from __future__ import annotations

import ast
import string
from typing import Any

STRING_METHODS = frozenset(
    """capitalize casefold center count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier
    islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind
    rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill""".split()  # noqa: SIM905
)

#: `string` as the sandbox sees it.
STRING_MODULE: dict[str, Any] = {
    name: getattr(string, name)
    for name in ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "octdigits",
                 "punctuation", "whitespace", "printable")
}  # fmt: skip

#: Special methods that run when an object is only looked at: the engine does not call them.
_IGNORED_METHODS = frozenset({"__bool__", "__len__", "__eq__", "__hash__", "__lt__", "__contains__", "__iter__",
                              "__getattr__", "__getitem__", "__call__", "__enter__", "__del__"})  # fmt: skip

_MAKETRANS = """
def _verif_maketrans(x, y=None, z=''):
    if y is None:
        return {(ord(k) if isinstance(k, str) else k): v for k, v in x.items()}
    if len(x) != len(y):
        raise ValueError('the first two maketrans arguments must have equal length')
    table = {ord(a): ord(b) for a, b in zip(x, y)}
    for c in z:
        table[ord(c)] = None
    return table
"""
_TRANSLATE = """
def _verif_translate(text, table):
    if not isinstance(text, str):
        return text.translate(table)
    out = []
    for c in text:
        new = table.get(ord(c), c)
        if new is None:
            continue
        out.append(chr(new) if isinstance(new, int) else new)
    return ''.join(out)
"""
_UNBOUND = """
def _verif_str_{name}(text, *args, **kwargs):
    if not isinstance(text, str):
        raise TypeError("descriptor '{name}' for 'str' objects doesn't apply")
    return text.{name}(*args, **kwargs)
"""


_STRING = "class _verif_string:\n" + "".join(
    f"    {name} = {value!r}\n" for name, value in STRING_MODULE.items()
)


#: Names that `supply` may bring into a checker.
NAMES = frozenset({"_verif_maketrans", "_verif_translate", "_verif_string"}) | {
    f"_verif_str_{name}" for name in STRING_METHODS
}


def unsupported(nodes: list[ast.AST]) -> str:
    """Why the engine cannot run this faithfully, as far as the syntax shows it."""
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            methods = {
                item.name for item in node.body if isinstance(item, ast.FunctionDef)
            } & _IGNORED_METHODS
            if methods:
                return f"defines {sorted(methods)[0]}, which the sandbox does not honour"
    return ""


def needed(nodes: list[ast.AST]) -> bool:
    """False if `supply` would change nothing, as for nearly every checker."""
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if node.attr == "translate" or (isinstance(node.value, ast.Name) and node.value.id == "str"):
                return True
        elif (isinstance(node, ast.alias) and node.name == "string") or (
            isinstance(node, ast.ImportFrom) and node.module == "string"
        ):
            return True
    return False


def supply(tree: ast.Module, alone: bool = True) -> ast.Module:
    """The tree with the missing pieces supplied, the same whether it runs `alone` or not."""
    del alone
    rewriter = _Rewriter(_rebound(tree))
    tree = rewriter.visit(tree)
    helpers = "".join(rewriter.helpers[name] for name in sorted(rewriter.helpers))
    if helpers:
        tree.body = [*ast.parse(helpers).body, *tree.body]
    return ast.fix_missing_locations(tree)


def _rebound(tree: ast.Module) -> bool:
    """True if the checker gives the name `str` a meaning of its own."""
    names = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return "str" in names


class _Rewriter(ast.NodeTransformer):
    def __init__(self, str_rebound: bool) -> None:
        self.str_rebound = str_rebound
        self.helpers: dict[str, str] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if self.str_rebound or not (isinstance(node.value, ast.Name) and node.value.id == "str"):
            return node
        if not isinstance(node.ctx, ast.Load):
            return node
        if node.attr == "maketrans":
            return self._use("_verif_maketrans", _MAKETRANS)
        if node.attr == "translate":
            return self._use("_verif_translate", _TRANSLATE)
        if node.attr in STRING_METHODS:
            return self._use(f"_verif_str_{node.attr}", _UNBOUND.format(name=node.attr))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func
        if (
            isinstance(method, ast.Attribute)
            and method.attr == "translate"
            and len(node.args) == 1
            and not node.keywords
        ):
            return ast.Call(self._use("_verif_translate", _TRANSLATE), [method.value, *node.args], [])
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        kept = [alias for alias in node.names if alias.name != "string"]
        out: list[ast.stmt] = [ast.Import(kept)] if kept else []
        for alias in node.names:
            if alias.name == "string":
                out.append(_assign(alias.asname or "string", self._use("_verif_string", _STRING)))
        return out

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if (
            node.module != "string"
            or node.level
            or any(alias.name not in STRING_MODULE for alias in node.names)
        ):
            return node
        module = self._use("_verif_string", _STRING)
        return [
            _assign(alias.asname or alias.name, ast.Attribute(module, alias.name, ast.Load()))
            for alias in node.names
        ]

    def _use(self, name: str, code: str) -> ast.Name:
        self.helpers[name] = code
        return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
