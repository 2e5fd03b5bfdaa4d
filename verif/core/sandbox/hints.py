"""Annotations: Python evaluates them where a function is made, the engine does not look at them.

`def check_following(instruction, response: List[str])` without an import is a NameError in Python and decided by the
engine. So a checker is refused unless each of its annotations is one that certainly evaluates: types of Python's own,
names of `typing` imported before, constants, and the plain combinations of these.
"""

from __future__ import annotations

import ast

_TYPES = frozenset({"str", "int", "float", "bool", "bytes", "object", "complex"})
_GENERIC = frozenset({"list", "dict", "set", "tuple", "frozenset", "type"})
_PLAIN = frozenset(
    {"Any", "List", "Set", "FrozenSet", "Sequence", "Iterable", "Iterator", "Dict", "Mapping", "Tuple"}
)
#: Generic names of `typing` and the number of arguments they take (0: any).
_ARGUMENTS = {
    "List": 1, "Set": 1, "FrozenSet": 1, "Optional": 1, "Sequence": 1, "Iterable": 1, "Iterator": 1, "Dict": 2,
    "Mapping": 2, "Tuple": 0, "Union": 0,
}  # fmt: skip


def unevaluated(nodes: list[ast.AST], parents: dict[int, ast.AST], bound: frozenset[str]) -> str:
    """Why an annotation may raise in Python; `bound` has every name that the checker binds, imports included."""
    noted = [annotation for node in nodes for annotation in _of(node, parents)]
    if not noted or any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in nodes
    ):
        return ""
    reader = _Reader(nodes, bound)
    bad = next((annotation for annotation in noted if not reader.evaluates(annotation)), None)
    return f"has an annotation that Python evaluates: {ast.unparse(bad)[:80]!r}" if bad else ""


def _of(node: ast.AST, parents: dict[int, ast.AST]) -> list[ast.expr]:
    """The annotations of this node that Python evaluates: none of a variable inside of a function."""
    if isinstance(node, ast.arg):
        return [node.annotation] if node.annotation else []
    if isinstance(node, ast.FunctionDef):
        return [node.returns] if node.returns else []
    if not isinstance(node, ast.AnnAssign):
        return []
    above: ast.AST | None = node
    while above is not None:
        if isinstance(above, ast.FunctionDef):
            return []
        above = parents.get(id(above))
    return [node.annotation]


class _Reader:
    def __init__(self, nodes: list[ast.AST], bound: frozenset[str]) -> None:
        self.bound = bound
        self.typing: dict[
            str, tuple[str, int]
        ] = {}  # a name, what it is in `typing` ("" the module), from which line
        again: set[str] = set()
        for node in nodes:
            for name, meaning in _bindings(node):
                if name in self.typing or meaning is None:
                    again.add(name)
                else:
                    self.typing[name] = meaning
        top = nodes[0].body if isinstance(nodes[0], ast.Module) else []
        lines = {statement.lineno for statement in top if isinstance(statement, ast.Import | ast.ImportFrom)}
        for name in [n for n, (_, line) in self.typing.items() if n in again or line not in lines]:
            del self.typing[name]

    def evaluates(self, node: ast.expr, inside: bool = False) -> bool:
        """True if it certainly gives a value; `inside` of another one texts, numbers and `...` do not always."""
        if isinstance(node, ast.Constant):
            return not inside or node.value is None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = (node.left, node.right)
            return not all(isinstance(side, ast.Constant) for side in sides) and all(
                self.evaluates(side, inside=True) for side in sides
            )
        if isinstance(node, ast.Subscript):
            given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if len(given) == 2 and isinstance(given[1], ast.Constant) and given[1].value is ...:
                given = given[: 1 if self._arguments(node.value) == 0 else 0]
            arguments = self._arguments(node.value)
            return (
                arguments in (0, len(given))
                and bool(given)
                and all(self.evaluates(part, inside=True) for part in given)
            )
        if isinstance(node, ast.Name) and node.id in _TYPES | _GENERIC:
            return node.id not in self.bound
        return self._of_typing(node) in _PLAIN

    def _arguments(self, node: ast.expr) -> int:
        """How many arguments this takes in brackets; 0 for any number, -1 for none."""
        if isinstance(node, ast.Name) and node.id in _GENERIC and node.id not in self.bound:
            return 0
        return _ARGUMENTS.get(self._of_typing(node) or "", -1)

    def _of_typing(self, node: ast.expr) -> str | None:
        """The name in `typing` that this is, if it was imported before."""
        module = node.value if isinstance(node, ast.Attribute) else None
        name = module.id if isinstance(module, ast.Name) else node.id if isinstance(node, ast.Name) else ""
        meaning, line = self.typing.get(name, (None, 0))
        if meaning is None or line >= node.lineno or (meaning == "") != isinstance(node, ast.Attribute):
            return None
        return node.attr if isinstance(node, ast.Attribute) else meaning


def _bindings(node: ast.AST) -> list[tuple[str, tuple[str, int] | None]]:
    """The names that a node binds: to what of `typing`, or to anything else."""
    if isinstance(node, ast.Import):
        return [
            (alias.asname or alias.name, ("", node.lineno) if alias.name == "typing" else None)
            for alias in node.names
        ]
    if isinstance(node, ast.ImportFrom):
        known = node.module == "typing" and not node.level
        return [
            (alias.asname or alias.name, (alias.name, node.lineno) if known else None) for alias in node.names
        ]
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [(node.id, None)]
    if isinstance(node, ast.arg):
        return [(node.arg, None)]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [(node.name, None)]
    return [(node.name, None)] if isinstance(node, ast.ExceptHandler) and node.name else []
