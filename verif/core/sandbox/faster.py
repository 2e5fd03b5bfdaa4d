r"""Calls of `re` and the idioms that the sandbox's engine runs slowly, replaced in the text of a checker.

For checkers that need nothing else rewritten (nearly every one of VerInstruct), and without making their text anew.
Every `re.search(...)` becomes a call of the helper that decides as CPython does (`verif/core/sandbox/inside`); a few idioms
get a faster helper, with the same result on every text (`tests/core/sandbox/test_faster.py`):

- `re.findall(r"\b\w+\b", text)` finds the runs `\w+`, which start and end at boundaries anyway.
- `re.split(r"(?<=[.!?])\s+", text)`: every match is the white space after one of the marks.
- `len(response.split())`: siblings that count the words of the same text count them once.
- `re.search(r"\bword\b", text, flags)`: where `word` itself does not occur nothing is found (in the helper).
"""

from __future__ import annotations

import ast
import re

from verif.core.sandbox import names, semantics, shims

#: Defined once in each shared session.
HELPERS = shims.code()
#: Names that a rewrite may bring in.
NAMES = shims.NAMES

_WORDS = frozenset({r"\b\w+\b", r"\b\w+"})
_AFTER = re.compile(r"\(\?<=(\[[.!?;:…。！？]+\])\)\\s\+")
Edit = tuple[ast.expr, str, bool]  # a node, a text, and whether the text follows the node or replaces it


def rewrite(source: str, nodes: list[ast.AST]) -> str:
    """The source with its calls of `re` replaced; patterns only where `re` is simply the imported module."""
    first = _first_import(nodes)
    functions = [node for node in nodes if _is_re(node) and node.attr in names.RE_FUNCTIONS]  # type: ignore[attr-defined]
    calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    edits = [edit for f in functions for edit in _edits(f, calls.get(id(f)), first)]  # type: ignore[arg-type]
    if "len" not in semantics.rebound(nodes):
        edits += [(call, "_verif_count(response)", False) for call in calls.values() if _counts_words(call)]
    if not edits:
        return source
    lines = source.encode().split(b"\n")
    for node, text, follows in sorted(
        edits, key=lambda e: (e[0].end_lineno, e[0].end_col_offset), reverse=True
    ):
        if node.lineno == node.end_lineno:
            line = lines[node.lineno - 1]
            start = node.end_col_offset if follows else node.col_offset
            lines[node.lineno - 1] = line[:start] + text.encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def _is_re(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"


def _edits(function: ast.Attribute, call: ast.Call | None, first: bool) -> list[Edit]:
    helper = names.RE_FUNCTIONS[function.attr]
    more: list[Edit] = []
    if call is not None and len(call.args) > 1 and not any(isinstance(a, ast.Starred) for a in call.args):
        pattern = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if function.attr == "findall" and pattern in _WORDS and len(call.args) <= 3 and not call.keywords:
            helper = "_verif_find_words"
        if (
            function.attr == "split"
            and len(call.args) == 2
            and not call.keywords
            and isinstance(pattern, str)
        ):
            match = _AFTER.fullmatch(pattern)
            if match and call.args[0].lineno == call.args[0].end_lineno:
                helper, more = "_verif_split_after", [(call.args[0], f", '({match[1]})'", True)]
    return [(function, helper if first else f"(re and {helper})", False), *more]


def _counts_words(call: ast.Call) -> bool:
    """True for `len(response.split())`, and only on one line."""
    match call:
        case ast.Call(
            func=ast.Name(id="len"),
            args=[
                ast.Call(
                    func=ast.Attribute(value=ast.Name(id="response"), attr="split"), args=[], keywords=[]
                )
            ],
            keywords=[],
        ):
            return call.lineno == call.end_lineno
    return False


def _first_import(nodes: list[ast.AST]) -> bool:
    """True if `import re` stands at the top, before anything that could use it: then the name is there."""
    tree = nodes[0]
    for statement in tree.body if isinstance(tree, ast.Module) else []:
        if isinstance(statement, ast.Import):
            if any((alias.name, alias.asname) == ("re", None) for alias in statement.names):
                return all(
                    not (
                        isinstance(node, ast.Import)
                        and node is not statement
                        and any(a.name == "re" for a in node.names)
                    )
                    for node in nodes
                )
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return False
    return False
