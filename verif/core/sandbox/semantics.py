"""What the engine is known, or not known, to do as CPython does: a checker is decided only if all of it agrees.

Reads the syntax tree and nothing else. What differs and can be made right is left to `verif.core.sandbox.shims`;
the rest is refused here with its reason, and anything that was never compared counts as different.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from verif.core.sandbox import hints, names
from verif.core.sandbox.lazy import misused

Nodes = list[ast.AST]
ENTRY = "check_following"
_STR = frozenset({"str", "int", "float", "bool", "list", "dict", "set", "tuple", "frozenset", "type"})


def why_refused(nodes: Nodes, parents: dict[int, ast.AST]) -> str:
    """Why the engine cannot be trusted to run this as CPython does; "" if it can."""
    classes = own_names(nodes)
    modules = imported(nodes)
    for node in nodes:
        reason = _of_node(node, classes, modules)
        if reason:
            return reason
    return hints.unevaluated(nodes, parents, rebound(nodes)) or misused(nodes, parents)


def imported(nodes: Nodes) -> dict[str, str]:
    """Names that `import` binds to modules."""
    return {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def own_names(nodes: Nodes) -> frozenset[str]:
    """Attributes that the checker's own classes define."""
    own: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            own |= {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
    return frozenset(own)


def rebound(nodes: Nodes) -> frozenset[str]:
    """Every name that the checker binds, imports included."""
    bound: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.ExceptHandler):
            bound.add(node.name or "_")
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
    return frozenset(bound)


def entry_texts(node: ast.AST) -> list[str]:
    """The names of the first two parameters, if this defines the entry and has them."""
    arguments = None
    if isinstance(node, ast.FunctionDef) and node.name == ENTRY:
        arguments = node.args
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):  # noqa: SIM102
        if any(isinstance(t, ast.Name) and t.id == ENTRY for t in node.targets):
            arguments = node.value.args
    if arguments is None:
        return []
    given = [*arguments.posonlyargs, *arguments.args][:2]
    return [argument.arg for argument in given] if len(given) == 2 else []


def reads_tables(nodes: Nodes) -> bool:
    """True if it asks what kind a character is, or how it is shown: of new ones the engine knows more than CPython."""
    for node in nodes:
        match node:
            case ast.Attribute(attr=attr) if attr in names.UNICODE_METHODS or attr == "format":
                return True
            case ast.Name(id="repr") | ast.FormattedValue() | ast.Call(func=ast.Name(id="str")):
                return True
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
                return True
    return False


def _of_node(node: ast.AST, own: frozenset[str], modules: dict[str, str]) -> str:
    match node:
        case ast.ClassDef():
            return _of_class(node)
        case ast.Attribute():
            return _of_attribute(node, own, modules)
        case ast.Name(id=name, ctx=ast.Load()) if name in names.REFUSED_BUILTINS or name.startswith("__"):
            return f"uses {name!r}, which the sandbox does not have as Python has it"
        case ast.ImportFrom(module=module, names=aliases) if module in names.MODULES:
            known = names.MODULES[module or ""]
            bad = [a.name for a in aliases if known is not None and a.name not in known and a.name != "*"]
            return f"imports {bad[0]!r} of {module}, which was not compared with Python's" if bad else ""
        case ast.Call(func=ast.Attribute(attr=attr), keywords=keywords) if keywords and attr in names.METHODS:
            return _of_keywords(node, attr, modules)
        case ast.Call(func=ast.Attribute(attr="format", value=receiver)):
            return _of_format(receiver)
        case ast.Try(finalbody=final) if any(_leaves(final)):
            return "leaves a finally block by return, break or continue"
        case ast.ExceptHandler(name=str() as name, body=body) if any(_reads(body, name)):
            return f"looks at the error {name!r}, whose words are the sandbox's own"
        case ast.Compare(ops=ops) if any(isinstance(op, ast.Is | ast.IsNot) for op in ops):
            return "" if _singleton(node) else "compares with 'is' what is no single object"
        case ast.Subscript(slice=ast.Constant(value=bool() | float()), ctx=ast.Store()):
            return "has equal keys of different types"
        case ast.Dict(keys=keys) | ast.Set(elts=keys) | ast.List(elts=keys) | ast.Tuple(elts=keys):
            return _of_keys([key for key in keys if isinstance(key, ast.Constant)])
        case ast.Constant(value=value):
            return _of_constant(value)
        case ast.AnnAssign(value=None):
            return "declares a name without a value"
        case ast.Match() | ast.TryStar() | ast.AsyncFunctionDef() | ast.AsyncFor():
            return f"uses {type(node).__name__}"
    return ""


def _of_class(node: ast.ClassDef) -> str:
    if node.bases or node.keywords or node.decorator_list:
        return "defines a class with bases or a decorator"
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            if item.decorator_list:
                return "defines a method with a decorator"
            if item.name.startswith("__") and item.name != "__init__":
                return f"defines {item.name}, which the sandbox does not honour"
        elif isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant | ast.List | ast.Dict):
            continue
        elif not (
            isinstance(item, ast.Pass)
            or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        ):
            return f"has {type(item).__name__} in a class"
    bad = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id.startswith("__")]
    return f"defines {bad[0]}, which the sandbox does not honour" if bad else ""


def _of_attribute(node: ast.Attribute, own: frozenset[str], modules: dict[str, str]) -> str:
    if node.attr.startswith("__") and node.attr.endswith("__"):
        return (
            ""
            if node.attr == "__name__" and isinstance(node.value, ast.Call)
            else f"uses the name {node.attr!r}"
        )
    root: ast.expr = node.value
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and root.id in modules:
        module = modules[root.id]
        if module not in names.MODULES:
            return ""  # the import itself fails, as it should be said
        known = names.MODULES[module]
        if known is not None and node.attr not in known:
            return f"uses {module}.{node.attr}, which was not compared with Python's"
        return ""
    if node.attr in names.METHODS or node.attr in own or not isinstance(node.ctx, ast.Load):
        return ""
    return f"uses the method or attribute {node.attr!r}, which was not compared with Python's"


def _of_keywords(node: ast.Call, attr: str, modules: dict[str, str]) -> str:
    assert isinstance(node.func, ast.Attribute)
    if attr == "format":
        return _of_format(node.func.value)
    if isinstance(node.func.value, ast.Name) and node.func.value.id in modules:
        return ""
    bad = [k.arg for k in node.keywords if k.arg not in names.KEYWORDS.get(attr, set()) and k.arg]
    return f"gives {attr!r} the keyword {bad[0]!r}" if bad and attr not in ("update",) else ""


def _of_format(receiver: ast.expr) -> str:
    if not (isinstance(receiver, ast.Constant) and isinstance(receiver.value, str)):
        return "formats with a text that is made when it runs"
    fields = receiver.value.replace("{{", "").replace("}}", "").split("{")[1:]
    for field in fields:
        name = field.split("}")[0].split(":")[0]
        if "." in name or "[" in name or "!a" in name:
            return "formats a part of a value"
    return ""


def _leaves(body: list[ast.stmt]) -> Iterator[bool]:
    for statement in body:
        for node in ast.walk(statement):
            yield isinstance(node, ast.Return | ast.Break | ast.Continue)


def _reads(body: list[ast.stmt], name: str) -> Iterator[bool]:
    for statement in body:
        printed = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if printed and isinstance(statement.value.func, ast.Name) and statement.value.func.id == "print":  # type: ignore[attr-defined]
            continue
        for node in ast.walk(statement):
            yield isinstance(node, ast.Name) and node.id == name


def _singleton(node: ast.Compare) -> bool:
    for side in (node.left, *node.comparators):
        if isinstance(side, ast.Constant) and (side.value is None or isinstance(side.value, bool)):
            return True
        if isinstance(side, ast.Name) and side.id in _STR:
            return True
    return False


def _of_keys(keys: list[ast.Constant]) -> str:
    values = [key.value for key in keys]
    mixed = {type(value) for value in values if isinstance(value, bool | int | float)}
    equal = len(mixed) > 1 and len(set(values)) < len({(type(v), v) for v in values})
    return "has equal keys of different types" if equal else ""


def _of_constant(value: object) -> str:
    if isinstance(value, complex):
        return "uses complex numbers"
    if isinstance(value, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        return "holds a lone surrogate"
    return ""
