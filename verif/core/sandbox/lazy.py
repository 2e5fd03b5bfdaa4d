"""Where the engine's eager lists stand for Python's iterators, and whether that can be noticed.

`map`, `filter`, `zip`, `reversed`, `enumerate`, `finditer` and generator expressions give lists in the engine. That
makes no difference where they are used up on the spot (`list(map(...))`, `for x in zip(...)`); anywhere else
(`return filter(...)`, `len(zip(...))`, a second use) it may, and the checker is refused.
"""

from __future__ import annotations

import ast

from verif.core.sandbox import names

Nodes = list[ast.AST]
MAKERS = frozenset({"map", "filter", "zip", "reversed", "enumerate"})
#: Functions that use up an iterator: the positions where they take one (None: any).
_USERS: dict[str, tuple[int, ...] | None] = {
    "list": (0,), "tuple": (0,), "set": (0,), "frozenset": (0,), "sorted": (0,), "sum": (0,), "any": (0,), "all": (0,),
    "dict": (0,), "enumerate": (0,), "zip": None, "map": (1, 2, 3), "filter": (1,), "Counter": (0,), "deque": (0,),
    "min": (0,), "max": (0,), "next": (0,),
}  # fmt: skip
_USING_METHODS = frozenset(
    """join extend update union intersection difference issubset issuperset fromkeys Counter deque chain from_iterable
    islice prod fsum accumulate groupby product combinations permutations zip_longest takewhile dropwhile pairwise
    compress""".split()  # noqa: SIM905
)
#: Users that may stop before the end.
_HASTY = frozenset({"any", "all", "next", "zip", "map", "enumerate", "filter"})
_HARMLESS_CALLS = frozenset(
    {"len", "isinstance", "str", "sorted", "set", "list", "tuple", "bool", "any", "all", "sum"}
)


def is_lazy(node: ast.AST) -> bool:
    """True for an expression that gives an iterator in Python and a list in the engine."""
    if isinstance(node, ast.GeneratorExp):
        return True
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in MAKERS
    return isinstance(node.func, ast.Attribute) and node.func.attr == "finditer"


def misused(nodes: Nodes, parents: dict[int, ast.AST]) -> str:
    """Why an iterator's being a list could be noticed; "" if it cannot."""
    tries = any(isinstance(node, ast.Try) for node in nodes)
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in MAKERS and isinstance(node.ctx, ast.Load):
            above = parents.get(id(node))
            if not (isinstance(above, ast.Call) and above.func is node):
                return f"uses {node.id} as a value"
        if not is_lazy(node):
            continue
        if not _used_up(node, parents) and not _used_next(node, parents, nodes):
            return f"keeps the iterator of {_named(node)}, which is a list in the sandbox"
        if any(isinstance(n, ast.NamedExpr) for n in ast.walk(node)):
            return "binds a name inside of a generator"
        if (
            (tries or changes(node))
            and _hasty(node, parents)
            and not steady(node)
            and not walkable(node, parents)
        ):
            return f"may stop {_named(node)} early, where the sandbox runs it to its end"
    return ""


def changes(node: ast.AST) -> bool:
    """True if it calls what may change something."""
    return any(isinstance(n, ast.Attribute) and n.attr in names.MUTATORS for n in ast.walk(node))


def steady(node: ast.AST) -> bool:
    """True if no part of it may raise or change anything, as far as errors go that a checker may handle."""
    for n in ast.walk(node):
        if isinstance(n, ast.Call):
            if isinstance(n.func, ast.Attribute):
                if n.func.attr in names.MUTATORS or n.func.attr in ("index", "rindex", "loads", "group"):
                    return False
            elif not (isinstance(n.func, ast.Name) and n.func.id in _HARMLESS_CALLS | MAKERS):
                return False
        elif (isinstance(n, ast.Subscript) and not isinstance(n.slice, ast.Slice)) or (
            isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div | ast.Mod | ast.FloorDiv | ast.Pow)
        ):
            return False
    return True


def walkable(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """True for `any(generator)` and `all(generator)`, which `shims` walks step by step."""
    above = parents.get(id(node))
    return (
        isinstance(node, ast.GeneratorExp)
        and isinstance(above, ast.Call)
        and isinstance(above.func, ast.Name)
        and above.func.id in ("any", "all")
        and len(node.generators) == 1
    )


def _named(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return node.func.id if isinstance(node.func, ast.Name) else "finditer"
    return "a generator"


def _hasty(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    above = parents.get(id(node))
    if isinstance(above, ast.Call):
        name = above.func.id if isinstance(above.func, ast.Name) else getattr(above.func, "attr", "")
        return name in _HASTY | {"islice", "takewhile", "zip_longest"}
    return not isinstance(above, ast.Starred | ast.comprehension | ast.Assign)


def _used_up(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    above = parents.get(id(node))
    if isinstance(above, ast.For):
        return above.iter is node
    if isinstance(above, ast.comprehension):
        return above.iter is node
    if isinstance(above, ast.Starred):
        return isinstance(above.ctx, ast.Load)
    if isinstance(above, ast.Compare):
        return len(above.ops) == 1 and isinstance(above.ops[0], ast.In | ast.NotIn) and above.left is not node
    if isinstance(above, ast.Assign):
        return len(above.targets) == 1 and isinstance(above.targets[0], ast.Tuple | ast.List)
    if not isinstance(above, ast.Call) or node not in above.args:
        return False
    if isinstance(above.func, ast.Attribute):
        return above.func.attr in _USING_METHODS
    if not isinstance(above.func, ast.Name) or above.func.id not in _USERS:
        return False
    if above.func.id in ("min", "max") and len(above.args) != 1:
        return False
    if above.func.id == "next" and not isinstance(node, ast.GeneratorExp):
        return False
    where = _USERS[above.func.id]
    return where is None or above.args.index(node) in where  # type: ignore[arg-type]


def _used_next(node: ast.AST, parents: dict[int, ast.AST], nodes: Nodes) -> bool:
    """True for `words = filter(...)` whose only use follows in the next statement, where it is used up."""
    assign = parents.get(id(node))
    if not (
        isinstance(assign, ast.Assign)
        and len(assign.targets) == 1
        and isinstance(assign.targets[0], ast.Name)
    ):
        return False
    name = assign.targets[0].id
    uses = [n for n in nodes if isinstance(n, ast.Name) and n.id == name and n is not assign.targets[0]]
    if len(uses) != 1 or not _used_up(uses[0], parents):
        return False
    at: ast.AST = uses[0]
    while not isinstance(at, ast.stmt):
        above = parents[id(at)]
        if isinstance(above, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):  # noqa: SIM102
            if isinstance(above, ast.Lambda) or above.generators[0] is not at:
                return False
        if isinstance(above, ast.For | ast.While) and (isinstance(above, ast.While) or above.iter is not at):
            return False
        at = above
    block = parents.get(id(assign))
    for body in (getattr(block, field, None) for field in ("body", "orelse", "finalbody")):
        if isinstance(body, list) and assign in body:
            index = body.index(assign)
            return index + 1 < len(body) and body[index + 1] is at
    return False


def ordered(value: ast.expr) -> ast.expr:
    """The value, ordered as CPython orders it; what cannot be a set stays as it is."""
    if isinstance(value, ast.Constant | ast.ListComp | ast.GeneratorExp | ast.List | ast.Tuple | ast.Lambda):
        return value
    if isinstance(value, ast.Call):
        name = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
        if name in MAKERS | {
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
    return ast.Call(ast.Name("_verif_ordered", ast.Load()), [value], [])
