"""Python's reading of a source, bounded, so that none can take the reader down.

Nothing is executed. What is nested too deeply is refused here: recursive code (`ast.unparse`, tree
transformers) may then be used without fear, and a verdict does not depend on how deep the caller stood.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

#: Sources written by hand or by models stay below 30; `ast.unparse` reaches Python's own limit at about 330.
MAX_DEPTH = 120
_FILE = "<checker>"

# A warning about a model's source helps nobody, and where warnings are errors it would change a verdict.
warnings.filterwarnings("ignore", module=_FILE)


def parse(text: str) -> tuple[ast.Module, list[ast.AST]]:
    """The tree of a text and all its nodes; raises `ValueError` or a subclass of what `ast.parse` raises."""
    tree = ast.parse(text, _FILE)
    nodes, depth = _walk(tree)
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    return tree, nodes


def refused(tree: ast.Module) -> str:
    """Why Python itself would not compile this tree, or ""; compiling runs nothing."""
    try:
        compile(tree, _FILE, "exec", dont_inherit=True)
    except Exception as error:  # the source is hostile: whatever it makes the compiler raise is its own fault
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def ascii_names(text: str) -> bool:
    """True if no name in a text that parses is written beyond ASCII; a tree does not show it."""
    if text.isascii():
        return True
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return all(token.string.isascii() for token in tokens if token.type == tokenize.NAME)


def walk(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree, as `ast.walk` finds them, in half its time."""
    return _walk(tree)[0]


def _walk(tree: ast.AST) -> tuple[list[ast.AST], int]:
    """All nodes, level by level, and how many levels there are."""
    nodes = [tree]
    depth, last = 0, 0  # `last` is where the present level ends
    for index, node in enumerate(nodes):
        if index > last:
            depth, last = depth + 1, len(nodes) - 1
        for value in node.__dict__.values():
            kind = type(value)
            if kind is list:
                nodes += [item for item in value if isinstance(item, ast.AST)]
            elif kind is not int and kind is not str and isinstance(value, ast.AST):
                nodes.append(value)
    return nodes, depth
