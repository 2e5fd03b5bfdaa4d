"""A checker's source, read once: can it run at all, may it share a session, and the text the sandbox gets.

Reading is `ast.parse`; nothing of the source is executed here. What the engine lacks is supplied by the
rewriting of `verif.checkers.shims`; what it is known to treat differently from Python is refused, so that a
checker either behaves as in Python or is reported.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from verif.checkers import faster, purity, shims

ENTRY = "check_following"
MAX_SOURCE = 64_000


@dataclass(frozen=True, slots=True)
class Program:
    """`problem` says why it cannot run (then the rest is empty); `alone` why it must run in its own session.

    `solo` is the whole feed for one response; `shared` defines a function `_verif_make` that returns the
    checker's `check_following`; `fixed` that one such namespace may serve all responses.
    """

    problem: str = ""
    alone: str = ""
    solo: str = ""
    shared: str = ""
    fixed: bool = False


@lru_cache(maxsize=8192)
def read(source: str) -> Program:
    """The program of a checker's source."""
    if len(source) > MAX_SOURCE:
        return Program(problem=f"the source is longer than {MAX_SOURCE} characters")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Program(problem=f"does not parse: {type(error).__name__}: {error}")
    if problem := _problem(tree):
        return Program(problem=problem)
    alone = purity.why_alone(source, tree)
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    fixed = purity.fixed_namespace(tree)
    try:
        tree = shims.supply(tree)
        solo = _solo(tree)
        shared = "" if alone else _shared(faster.rewrite(tree))
    except RecursionError:
        return Program(problem="the source is nested too deeply")
    return Program(alone=alone, solo=solo, shared=shared, fixed=fixed)


def _problem(tree: ast.Module) -> str:
    """What is known to fail, or to behave differently from Python, before anything runs."""
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assigned = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    imported = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    if ENTRY not in defined | assigned | imported:
        return f"defines no function {ENTRY!r}"
    return shims.unsupported(tree)


def _solo(tree: ast.Module) -> str:
    """The source inside a `try`, so that not even an error message of any size crosses to the host."""
    frame = ast.parse(
        "_verif_out = ''\n"
        "try:\n"
        f"    _verif_out = '1' if {ENTRY}(instruction, response) else '0'\n"
        "except BaseException as _verif_error:\n"
        "    _verif_out = 'e' + type(_verif_error).__name__ + ': ' + str(_verif_error)[:200]\n"
        "_verif_out"
    )
    block = frame.body[1]
    assert isinstance(block, ast.Try)
    block.body = [*tree.body, *block.body]
    return ast.unparse(frame)


def _shared(tree: ast.Module) -> str:
    """The source as the body of a function that returns the checker: names stay in a namespace of its own."""
    frame = ast.parse(f"def _verif_make():\n    return {ENTRY}")
    function = frame.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = [*tree.body, *function.body]
    return ast.unparse(frame)
