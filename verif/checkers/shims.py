"""What the sandbox's Python lacks or has otherwise than CPython, supplied by rewriting; and what is refused.

`unsupported` says why a checker cannot be decided as CPython would (`verif.checkers.semantics`). `supply` rewrites
the rest: functions of `re`, handlers, unbound string methods, `str.translate`, the constants of `string`, rounding,
numbers from texts, searches from a position, formats, the order of sets. The functions that it names are in
`verif/checkers/inside`; a session that checkers share holds them once, one that runs alone gets them with the tree.
"""

from __future__ import annotations

import ast
import string
from functools import cache
from typing import Any

from verif.checkers import helpers, lazy, names, semantics

STRING_METHODS = names.STRING_METHODS
ENTRY = "check_following"

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
_STRING = "class _verif_string:\n" + "".join(
    f"    {name} = {value!r}\n" for name, value in STRING_MODULE.items()
)
_METHODS = "".join(_UNBOUND.format(name=name) for name in sorted(STRING_METHODS))

#: Names that rewriting may bring into a checker.
NAMES = (
    helpers.names()
    | {f"_verif_str_{name}" for name in STRING_METHODS}
    | {"_verif_string", "_verif_error", "_verif_item"}
)

_RENAMED = {
    "round": "_verif_round",
    "hasattr": "_verif_hasattr",
    "int": "_verif_int",
    "float": "_verif_float",
}
_FROM = frozenset({"find", "rfind", "index", "rindex", "count", "startswith", "endswith"})
_MODULE_SHIMS = {
    ("json", "loads"): "_verif_loads", ("unicodedata", "category"): "_verif_category_of",
    ("unicodedata", "normalize"): "_verif_normalize", ("unicodedata", "combining"): "_verif_combining",
}  # fmt: skip
_ORDERED = frozenset(
    {"list", "tuple", "enumerate", "zip", "map", "filter", "iter", "Counter", "deque", "dict"}
)
_ORDERED_METHODS = frozenset({"join", "extend", "fromkeys"})


def unsupported(nodes: list[ast.AST]) -> str:
    """Why the engine cannot run this faithfully, as far as the syntax shows it."""
    found = semantics.why_refused(nodes, _parents(nodes))
    return found or _unclear(nodes)


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
                return attr in ("X", "VERBOSE", "U", "UNICODE") or not isinstance(node.ctx, ast.Load)
            shimmed = attr in names.UNICODE_METHODS or attr in _FROM or attr in names.SET_METHODS
            return (
                shimmed
                or attr == "translate"
                or (isinstance(node.value, ast.Name) and node.value.id == "str")
            )
        case ast.Name(id=name):
            return name in _RENAMED or name in ("set", "frozenset", "any", "all", "next", "format", "repr")
        case ast.Call(func=ast.Attribute(attr="format")) | ast.keyword(value=ast.Attribute()):
            return not (isinstance(node, ast.keyword) and node.arg != "key")
    return False


def supply(tree: ast.Module, alone: bool = True) -> ast.Module:
    """The tree with the missing pieces supplied; with the helpers' own text if it runs `alone`."""
    nodes = list(ast.walk(tree))
    rewriter = _Rewriter(nodes)
    tree = rewriter.visit(tree)
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
        if node.id in ("int", "float") and node.id not in bound and not _clear_type(node, parents):
            return f"uses {node.id!r} as a value"
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    stored |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    both = (stored | {n.name for n in nodes if isinstance(n, ast.FunctionDef)}) & set(modules)
    if both:
        return f"gives the module's name {min(both)!r} another meaning"
    uses_tables = any(isinstance(n, ast.Attribute) and n.attr in names.UNICODE_METHODS for n in nodes)
    if uses_tables:
        if not any(_entry_text(n) for n in nodes):
            return f"makes its {ENTRY!r} in a way that cannot be followed"
        strange = helpers.strange()
        if any(
            isinstance(n, ast.Constant) and isinstance(n.value, str) and strange.search(n.value)
            for n in nodes
        ):
            return "holds characters that CPython 3.11 does not know"
    return ""


def _entry_text(node: ast.AST) -> str:
    """The name of the second parameter, if this defines the entry."""
    arguments = None
    if isinstance(node, ast.FunctionDef) and node.name == ENTRY:
        arguments = node.args
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        if any(isinstance(t, ast.Name) and t.id == ENTRY for t in node.targets):
            arguments = node.value.args
    if arguments is None:
        return ""
    given = [*arguments.posonlyargs, *arguments.args]
    return given[1].arg if len(given) > 1 else ""


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


class _Rewriter(ast.NodeTransformer):
    def __init__(self, nodes: list[ast.AST]) -> None:
        self.bound = semantics.rebound(nodes)
        self.modules = semantics.imported(nodes)
        self.tries = any(isinstance(n, ast.Try) for n in nodes)
        self.sets = any(
            isinstance(n, ast.Set | ast.SetComp)
            or (isinstance(n, ast.Name) and n.id in ("set", "frozenset"))
            or (isinstance(n, ast.Attribute) and n.attr in names.SET_METHODS | {"keys"})
            for n in nodes
        )

    # ------------------------------------------------------------------------------ names and attributes
    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id == "round" and node.id not in self.bound:
            return _name("_verif_round")
        if isinstance(node.ctx, ast.Load) and node.id == "hasattr" and node.id not in self.bound:
            return _name("_verif_hasattr")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load)):
            return node
        module = self.modules.get(node.value.id, "")
        if module == "re" and node.attr in names.RE_FLAGS:
            return ast.IfExp(node.value, ast.Constant(names.RE_FLAGS[node.attr]), ast.Constant(None))
        shim = names.RE_FUNCTIONS.get(node.attr) if module == "re" else _MODULE_SHIMS.get((module, node.attr))
        if shim:  # the module's own name is read first: where Python has none, there is a NameError
            return ast.BoolOp(ast.And(), [node.value, _name(shim)])
        if node.value.id != "str" or "str" in self.bound:
            return node
        if node.attr in ("maketrans", "translate"):
            return _name(f"_verif_{node.attr}")
        return _name(f"_verif_str_{node.attr}") if node.attr in STRING_METHODS else node

    # ------------------------------------------------------------------------------ calls
    def visit_Call(self, node: ast.Call) -> ast.AST:
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in ("any", "all")
            and node.func.id not in self.bound
        ):
            walked = self._walked(node)
            if walked is not None:
                return self.generic_visit(walked)
        made = node.args[0] if node.args and isinstance(node.args[0], ast.GeneratorExp) else None
        self._order_arguments(node)
        self._bind_methods(node)
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Name) and function.id not in self.bound:
            return self._builtin(node, function.id, made is not None)
        if not isinstance(function, ast.Attribute):
            return node
        if function.attr == "translate" and len(node.args) == 1 and not node.keywords:
            return ast.Call(_name("_verif_translate"), [function.value, *node.args], [])
        if (
            function.attr == "format"
            and isinstance(function.value, ast.Constant)
            and ":" in str(function.value.value)
        ):
            node.args = [_call("_verif_shown", arg) for arg in node.args]
            node.keywords = [ast.keyword(k.arg, _call("_verif_shown", k.value)) for k in node.keywords]
        if function.attr in _FROM and len(node.args) > 1 and not node.keywords:
            return ast.Call(
                _name("_verif_from"), [function.value, ast.Constant(function.attr), *node.args], []
            )
        return node

    def _bind_methods(self, node: ast.Call) -> None:
        """`key=counts.get` as a lambda: the engine has no methods without a call."""
        for keyword in node.keywords:
            if keyword.arg == "key":
                keyword.value = self._called(keyword.value)
        if isinstance(node.func, ast.Name) and node.func.id in ("map", "filter") and node.args:
            node.args[0] = self._called(node.args[0])

    def _called(self, value: ast.expr) -> ast.expr:
        if not (isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name)):
            return value
        if value.value.id in self.modules or value.value.id == "str" or value.attr not in names.METHODS:
            return value
        argument = ast.arguments([], [ast.arg("_verif_item")], None, [], [], None, [])
        return ast.Lambda(argument, ast.Call(value, [_name("_verif_item")], []))

    def _builtin(self, node: ast.Call, name: str, generator: bool) -> ast.AST:
        if name in ("int", "float"):
            node.func = _name(_RENAMED[name])
        elif name == "next" and generator:
            node.func = _name("_verif_next")
        elif name == "format" and len(node.args) == 2:
            node.args[0] = _call("_verif_shown", node.args[0])
        elif name == "map" and node.args and isinstance(node.args[0], ast.Name):
            if node.args[0].id in ("int", "float") and node.args[0].id not in self.bound:
                node.args[0] = _name(_RENAMED[node.args[0].id])
        elif name in ("str", "repr") and self.sets:
            node.args = [_call("_verif_not_a_set", arg) for arg in node.args]
        for keyword in node.keywords:
            if (
                keyword.arg == "key"
                and isinstance(keyword.value, ast.Name)
                and keyword.value.id in ("int", "float")
            ):
                if keyword.value.id not in self.bound:
                    keyword.value = _name(_RENAMED[keyword.value.id])
        return node

    def _walked(self, node: ast.Call) -> ast.Call | None:
        """`any(test for item in items)` as a walk that stops where Python stops, where that could be noticed."""
        assert isinstance(node.func, ast.Name)
        made = node.args[0] if len(node.args) == 1 else None
        if not isinstance(made, ast.GeneratorExp) or len(made.generators) != 1:
            return None
        if lazy.steady(made) or not (self.tries or lazy.changes(made)):
            return None
        first = made.generators[0]
        inner = ast.ListComp(
            made.elt,
            [ast.comprehension(first.target, ast.List([_name("_verif_item")], ast.Load()), first.ifs, 0)],
        )
        argument = ast.arguments([], [ast.arg("_verif_item")], None, [], [], None, [])
        return ast.Call(_name(f"_verif_{node.func.id}"), [first.iter, ast.Lambda(argument, inner)], [])

    # ------------------------------------------------------------------------------ the order of sets
    def _order_arguments(self, node: ast.Call) -> None:
        if not self.sets:
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        keyed = name in ("sorted", "min", "max") and any(k.arg == "key" for k in node.keywords)
        if name in _ORDERED or method in _ORDERED_METHODS or keyed:
            node.args = [arg if isinstance(arg, ast.Starred) else _ordered(arg) for arg in node.args]

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        if self.sets:
            node.iter = _ordered(node.iter)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if self.sets and isinstance(node.ctx, ast.Load):
            node.value = _ordered(node.value)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp) -> ast.AST:
        self.generic_visit(node)
        if self.sets:
            for part in node.generators:
                part.iter = _ordered(part.iter)
        return node

    # ------------------------------------------------------------------------------ the rest
    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if node.format_spec is not None and node.conversion == -1:
            node.value = _call("_verif_shown", node.value)
        elif self.sets:
            node.value = _call("_verif_not_a_set", node.value)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        node.name = node.name or "_verif_error"
        node.body = [ast.Expr(_call("_verif_caught", _name(node.name))), *node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        text = _entry_text(node)
        if text:
            at = (
                1
                if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
                else 0
            )
            node.body.insert(at, ast.Expr(_call("_verif_text", _name(text))))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        text = _entry_text(node)
        if text and isinstance(node.value, ast.Lambda):
            both = ast.Tuple([_call("_verif_text", _name(text)), node.value.body], ast.Load())
            node.value.body = ast.Subscript(both, ast.Constant(1), ast.Load())
        if self.sets and len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple | ast.List):
            if not isinstance(node.value, ast.Tuple | ast.List):
                node.value = _ordered(node.value)
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        kept = [alias for alias in node.names if alias.name != "string"]
        out: list[ast.stmt] = [ast.Import(kept)] if kept else []
        for alias in node.names:
            if alias.name == "string":
                out.append(_assign(alias.asname or "string", _name("_verif_string")))
        return out

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        out: list[ast.stmt] = []
        kept = []
        for alias in node.names:
            name = alias.asname or alias.name
            shim = names.RE_FUNCTIONS.get(alias.name) if node.module == "re" else None
            shim = shim or _MODULE_SHIMS.get((node.module or "", alias.name))
            if node.module == "string" and not node.level and alias.name in STRING_MODULE:
                out.append(_assign(name, ast.Attribute(_name("_verif_string"), alias.name, ast.Load())))
            elif node.module == "re" and alias.name in names.RE_FLAGS:
                out.append(_assign(name, ast.Constant(names.RE_FLAGS[alias.name])))
            elif shim and not node.level:
                out.append(_assign(name, _name(shim)))
            else:
                kept.append(alias)
        return [ast.ImportFrom(node.module, kept, node.level), *out] if kept else out


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_name(name), list(args), [])


def _ordered(value: ast.expr) -> ast.expr:
    """The value, ordered as CPython orders it; what cannot be a set stays as it is."""
    if isinstance(value, ast.Constant | ast.ListComp | ast.GeneratorExp | ast.List | ast.Tuple | ast.Lambda):
        return value
    if isinstance(value, ast.Call):
        name = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
        if name in lazy.MAKERS | {
            "range",
            "split",
            "splitlines",
            "items",
            "values",
            "sorted",
            "list",
            "_verif_ordered",
        }:
            return value
    return _call("_verif_ordered", value)


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
