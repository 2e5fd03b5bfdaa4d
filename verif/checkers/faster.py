"""Regular expressions that the sandbox's engine runs slowly, replaced by equal ones.

Word boundaries and look-behind take its slow path (20 to 60 times slower), and nearly every VerInstruct
checker uses one of three idioms. Each replacement gives the same result on every text:

- `\\b\\w+\\b` (or `\\b\\w+`) in `findall` and `finditer` is `\\w+`: the run is greedy, so it starts and ends at
  boundaries anyway.
- `re.split(r"(?<=[.!?])\\s+", text)`: the class holds no white space, so every match is the white space after
  one of its characters. A NUL is put there and split at; a text that holds a NUL takes the original.
- `re.search(r"\\bword\\b", text, flags)`: without the boundaries the same words match or more, and faster; if
  that finds nothing, neither does the original, which otherwise decides.

Only checkers that may share a session are rewritten; one that runs alone runs as written.
"""

from __future__ import annotations

import ast
import re

#: Defined in each shared session before its checkers.
HELPERS = r"""
import re
_verif_inner = {}
def _verif_search(pattern, text, flags=0):
    inner = _verif_inner.get(pattern) if isinstance(pattern, str) else ''
    if inner is None:
        inner = ''
        if len(pattern) > 4 and pattern[:2] == '\\b' and pattern[-2:] == '\\b':
            if re.fullmatch(r'(?:[\w ]|\\[ \-.,:;#&~/%@])+', pattern[2:-2]):
                inner = pattern[2:-2]
        _verif_inner[pattern] = inner
    if inner and re.search(inner, text, flags) is None:
        return None
    return re.search(pattern, text, flags)
def _verif_split(pattern, chars, text):
    if not isinstance(text, str) or '\x00' in text:
        return re.split(pattern, text)
    return re.sub(chars + r'\s+', '\\1\x00', text).split('\x00')
"""

_WORDS = frozenset({r"\b\w+\b", r"\b\w+"})
_AFTER = re.compile(r"\(\?<=(\[[.!?;:…。！？]+\])\)\\s\+")


def rewrite(tree: ast.Module) -> ast.Module:
    """The tree with the slow idioms replaced; unchanged where `re` is not simply the imported module."""
    if _re_is_the_module(tree):
        tree = ast.fix_missing_locations(_Rewriter().visit(tree))
    return tree


def _re_is_the_module(tree: ast.Module) -> bool:
    bound = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                if name == "re" and not (isinstance(node, ast.Import) and alias.name == "re"):
                    return False
                bound += name == "re"
        names = [getattr(node, field, None) for field in ("arg", "name")]
        if "re" in names and not isinstance(node, ast.alias):
            return False
        if isinstance(node, ast.Name) and node.id == "re" and not isinstance(node.ctx, ast.Load):
            return False
    return bound > 0


class _Rewriter(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if not (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
        ):
            return node
        if len(node.args) < 2 or any(isinstance(argument, ast.Starred) for argument in node.args):
            return node
        pattern = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if function.attr in ("findall", "finditer") and pattern in _WORDS:
            node.args[0] = ast.Constant(r"\w+")
        elif (
            function.attr == "split"
            and len(node.args) == 2
            and not node.keywords
            and isinstance(pattern, str)
        ):
            match = _AFTER.fullmatch(pattern)
            if match:
                chars = ast.Constant(f"({match[1]})")
                node = ast.Call(ast.Name("_verif_split", ast.Load()), [node.args[0], chars, node.args[1]], [])
        elif (
            function.attr == "search" and len(node.args) <= 3 and all(k.arg == "flags" for k in node.keywords)
        ):
            node = ast.Call(ast.Name("_verif_search", ast.Load()), node.args, node.keywords)
        return node
