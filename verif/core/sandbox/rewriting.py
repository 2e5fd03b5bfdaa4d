"""The rewriting of a checker's tree: what the engine has otherwise than CPython becomes a call of a helper.

The helpers are in `verif/core/sandbox/inside`. The module's own name is still read where a function of it is replaced
(`re and _verif_search`), so that a checker which never imported it raises as in Python.
"""

from __future__ import annotations

import ast

from verif.core.sandbox import lazy, names, semantics
from verif.core.sandbox.lazy import ordered
from verif.core.sandbox.semantics import entry_texts, reads_tables

RENAMED = {
    "round": "_verif_round",
    "hasattr": "_verif_hasattr",
    "int": "_verif_int",
    "float": "_verif_float",
    "chr": "_verif_chr",
}
FROM = frozenset({"find", "rfind", "index", "rindex", "count", "startswith", "endswith"})
MODULE_SHIMS = {
    ("json", "loads"): "_verif_loads", ("unicodedata", "category"): "_verif_category_of",
    ("unicodedata", "normalize"): "_verif_normalize", ("unicodedata", "combining"): "_verif_combining",
}  # fmt: skip
_ORDERED = frozenset(
    {"list", "tuple", "enumerate", "zip", "map", "filter", "iter", "Counter", "deque", "dict"}
)
_ORDERED_METHODS = frozenset({"join", "extend", "fromkeys"})


def rewritten(tree: ast.Module) -> ast.Module:
    """The tree with its calls replaced; the helpers that it names are not in it."""
    changed: ast.Module = _Rewriter(list(ast.walk(tree))).visit(tree)
    return changed


class _Rewriter(ast.NodeTransformer):
    def __init__(self, nodes: list[ast.AST]) -> None:
        self.bound = semantics.rebound(nodes)
        self.modules = semantics.imported(nodes)
        self.tries = any(isinstance(n, ast.Try) for n in nodes)
        self.tables = reads_tables(nodes)
        self.sets = any(
            isinstance(n, ast.Set | ast.SetComp)
            or (isinstance(n, ast.Name) and n.id in ("set", "frozenset"))
            or (isinstance(n, ast.Attribute) and n.attr in names.SET_METHODS | {"keys", "compile"})
            or (isinstance(n, ast.alias) and n.name == "compile")
            for n in nodes
        )

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id == "round" and node.id not in self.bound:
            return _name("_verif_round")
        if isinstance(node.ctx, ast.Load) and node.id in ("hasattr", "chr") and node.id not in self.bound:
            return _name(RENAMED[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load)):
            return node
        module = self.modules.get(node.value.id, "")
        if module == "re" and node.attr in names.RE_FLAGS:
            return ast.IfExp(node.value, ast.Constant(names.RE_FLAGS[node.attr]), ast.Constant(None))
        shim = names.RE_FUNCTIONS.get(node.attr) if module == "re" else MODULE_SHIMS.get((module, node.attr))
        if shim:  # the module's own name is read first: where Python has none, there is a NameError
            return ast.BoolOp(ast.And(), [node.value, _name(shim)])
        if module == "string" and node.attr in (names.MODULES["string"] or ()):
            return ast.BoolOp(ast.And(), [node.value, _name(f"_verif_string_{node.attr}")])
        if node.value.id != "str" or "str" in self.bound:
            return node
        if node.attr in ("maketrans", "translate"):
            return _name(f"_verif_{node.attr}")
        return _name(f"_verif_str_{node.attr}") if node.attr in names.STRING_METHODS else node

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
        elif function.attr == "format" and self.sets:
            node.args = [_call("_verif_not_a_set", arg) for arg in node.args]
            node.keywords = [ast.keyword(k.arg, _call("_verif_not_a_set", k.value)) for k in node.keywords]
        if function.attr == "pop" and self.sets and not node.args:
            return _call("_verif_pop", function.value)
        if function.attr in FROM and len(node.args) > 1 and not node.keywords:
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
            node.func = _name(RENAMED[name])
        elif name == "next" and generator:
            node.func = _name("_verif_next")
        elif name == "format" and len(node.args) == 2:
            node.args[0] = _call("_verif_shown", node.args[0])
        elif name == "map" and node.args and isinstance(node.args[0], ast.Name):
            if node.args[0].id in ("int", "float") and node.args[0].id not in self.bound:
                node.args[0] = _name(RENAMED[node.args[0].id])
        elif name in ("str", "repr") and self.sets:
            node.args = [_call("_verif_not_a_set", arg) for arg in node.args]
        for keyword in node.keywords:
            if (  # noqa: SIM102
                keyword.arg == "key"
                and isinstance(keyword.value, ast.Name)
                and keyword.value.id in ("int", "float")
            ):
                if keyword.value.id not in self.bound:
                    keyword.value = _name(RENAMED[keyword.value.id])
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

    def _order_arguments(self, node: ast.Call) -> None:
        if not self.sets:
            return
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        keyed = name in ("sorted", "min", "max") and any(k.arg == "key" for k in node.keywords)
        if name in _ORDERED or method in _ORDERED_METHODS or keyed:
            node.args = [arg if isinstance(arg, ast.Starred) else ordered(arg) for arg in node.args]

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        if self.sets:
            node.iter = ordered(node.iter)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if self.sets and isinstance(node.ctx, ast.Load):
            node.value = ordered(node.value)
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
                part.iter = ordered(part.iter)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if node.format_spec is not None and node.conversion == -1:
            node.value = _call("_verif_shown", node.value)
        elif self.sets:
            node.value = _call("_verif_not_a_set", node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self.sets and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            node.right = _call("_verif_not_a_set", node.right)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        node.name = node.name or "_verif_error"
        if node.type is None:  # no name can stand there without one
            node.type = _name("BaseException" if "Exception" in self.bound else "Exception")
        node.body = [ast.Expr(_call("_verif_caught", _name(node.name))), *node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        texts = entry_texts(node)
        if texts and self.tables:
            at = (
                1
                if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
                else 0
            )
            node.body.insert(at, ast.Expr(_call("_verif_text", *map(_name, texts))))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        texts = entry_texts(node)
        if texts and self.tables and isinstance(node.value, ast.Lambda):
            both = ast.Tuple([_call("_verif_text", *map(_name, texts)), node.value.body], ast.Load())
            node.value.body = ast.Subscript(both, ast.Constant(1), ast.Load())
        if self.sets and len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple | ast.List):  # noqa: SIM102
            if not isinstance(node.value, ast.Tuple | ast.List):
                node.value = ordered(node.value)
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        kept = [alias for alias in node.names if alias.name != "string"]
        out: list[ast.stmt] = [ast.Import(kept)] if kept else []
        for alias in node.names:
            if alias.name == "string":
                out.append(_assign(alias.asname or "string", ast.Constant(True)))  # no more than a name
        return out

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        out: list[ast.stmt] = []
        kept = []
        for alias in node.names:
            name = alias.asname or alias.name
            shim = names.RE_FUNCTIONS.get(alias.name) if node.module == "re" else None
            shim = shim or MODULE_SHIMS.get((node.module or "", alias.name))
            if node.module == "string" and not node.level and alias.name in (names.MODULES["string"] or ()):
                out.append(_assign(name, _name(f"_verif_string_{alias.name}")))
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


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
