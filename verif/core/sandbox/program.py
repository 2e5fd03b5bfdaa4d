"""A checker's source, read once: can it run at all, may it share a session, and the text the sandbox gets.

Reading is `ast.parse`; nothing of the source is executed here. What the engine lacks is supplied by
`verif.core.sandbox.shims`; what it is known to treat differently from Python is refused, so that a checker
either behaves as in Python or is reported.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from verif.core.sandbox import faster, purity, shims

ENTRY = "check_following"
MAX_SOURCE = 64_000

_SOLO = f"""
_verif_out = ''
try:
    _verif_out = '1' if {ENTRY}(instruction, response) else '0'
except BaseException as _verif_error:
    _verif_out = 'e' + type(_verif_error).__name__ + ': ' + str(_verif_error)[:200]
_verif_out
"""


@dataclass(frozen=True, slots=True)
class Program:
    """`problem` says why it cannot run; `alone` why it must run in its own session.

    `shared` (empty if `alone`) defines a function `_verif_make` that returns the checker's `check_following`;
    `fixed` says that one such namespace may serve all responses.
    """

    source: str
    problem: str = ""
    alone: str = ""
    shared: str = ""
    fixed: bool = False


@lru_cache(maxsize=16384)
def read(source: str) -> Program:
    """The program of a checker's source."""
    if len(source) > MAX_SOURCE:
        return Program(source, problem=f"the source is longer than {MAX_SOURCE} characters")
    try:
        tree = ast.parse(source)
        nodes = walk(tree)
        if problem := _problem(nodes):
            return Program(source, problem=problem)
        if alone := purity.why_alone(source, nodes):
            return Program(source, alone=alone)
        fixed = purity.fixed_namespace(tree)
        return Program(source, shared=_shared(source, tree, nodes), fixed=fixed)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Program(source, problem=f"does not parse: {type(error).__name__}: {str(error)[:200]}")


def walk(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree, as `ast.walk` finds them, in half its time."""
    found = [tree]
    for node in found:
        for value in node.__dict__.values():
            if isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


@lru_cache(maxsize=2048)
def solo(source: str) -> str:
    """The whole feed that runs a readable source on one response.

    It stands inside a `try`, so that not even an error message of any size crosses to the host. Its inputs
    are `instruction` and `response`; its value is "1", "0", or "e" and the error.
    """
    tree = shims.supply(_without_future(ast.parse(source)))
    frame = ast.parse(_SOLO)
    block = frame.body[1]
    assert isinstance(block, ast.Try)
    block.body = [*tree.body, *block.body]
    return ast.unparse(frame)


def _problem(nodes: list[ast.AST]) -> str:
    """What is known to fail, or to behave differently from Python, before anything runs."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name == ENTRY:
            break
        if isinstance(node, ast.Name) and node.id == ENTRY and isinstance(node.ctx, ast.Store):
            break
        if isinstance(node, ast.alias) and ENTRY in (node.name, node.asname):
            break
    else:
        return f"defines no function {ENTRY!r}"
    return shims.unsupported(nodes)


def _shared(source: str, tree: ast.Module, nodes: list[ast.AST]) -> str:
    """The source as the body of a function that returns the checker: names stay in a namespace of its own."""
    if shims.needed(nodes) or any(
        mark in source for mark in ('"""', "'''", "\\\n", "\r", "\f", "__future__")
    ):
        frame = ast.parse(f"def _verif_make():\n    return {ENTRY}")
        function = frame.body[0]
        assert isinstance(function, ast.FunctionDef)
        function.body = [*shims.supply(_without_future(tree), alone=False).body, *function.body]
        return ast.unparse(frame)
    # No string spans lines here, so indenting is safe; it is ten times faster than `ast.unparse`.
    lines = faster.rewrite(source, nodes).split("\n")
    return "\n".join(["def _verif_make():", *("    " + line for line in lines), f"    return {ENTRY}\n"])


def _without_future(tree: ast.Module) -> ast.Module:
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    return tree
