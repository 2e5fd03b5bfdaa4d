r"""Regular expressions that the sandbox's engine runs slowly, replaced by equal ones.

Word boundaries and look-behind take its slow path (3 to 30 times slower), compiling takes a third of a
millisecond, and nearly every VerInstruct checker uses one of three idioms. Each replacement gives the same
result on every text (`tests/checkers/test_faster.py`):

- `\b\w+\b` (or `\b\w+`) in `findall` and `finditer` is `\w+`: the run is greedy, so it starts and ends at
  boundaries anyway.
- `re.split(r"(?<=[.!?])\s+", text)`: the class holds no white space, so every match is the white space after
  one of its characters. A NUL is put there and split at; a text that holds a NUL takes the original.
- `re.search(r"\bword\b", text, flags)`, boundaries or not: where `word` itself does not occur, nothing is
  found. Only flags 0 and IGNORECASE, and under IGNORECASE only ASCII words in a text without the four
  characters that fold to ASCII letters; everything else, and every hit, takes the original.

Only checkers that may share a session are rewritten; one that runs alone runs as written.
"""

from __future__ import annotations

import ast
import re

#: Defined once in each shared session.
HELPERS = r"""
import re
_verif_words = {}
_verif_lowered = ['', '', True]
def _verif_word(pattern):
    word = pattern
    if word[:2] == '\\b':
        word = word[2:]
    if word[-2:] == '\\b':
        word = word[:-2]
    out = ''
    escaped = False
    for c in word:
        if escaped:
            if c.isalnum() or not c.isascii():
                return ''
            out += c
            escaped = False
        elif c == '\\':
            escaped = True
        elif c.isalnum() or c in ' _':
            out += c
        else:
            return ''
    return '' if escaped else out
def _verif_search(pattern, text, flags=0):
    if isinstance(pattern, str) and isinstance(text, str):
        word = _verif_words.get(pattern)
        if word is None:
            word = _verif_word(pattern)
            _verif_words[pattern] = word
        if word:
            if flags == 0:
                if word not in text:
                    return None
            elif flags == re.IGNORECASE and word.isascii():
                if _verif_lowered[0] != text:
                    _verif_lowered[0] = text
                    _verif_lowered[1] = text.lower()
                    _verif_lowered[2] = not ('\u017f' in text or '\u212a' in text or '\u0130' in text or '\u0131' in text)
                if _verif_lowered[2] and word.lower() not in _verif_lowered[1]:
                    return None
    return re.search(pattern, text, flags)
def _verif_split(pattern, chars, text):
    if not isinstance(text, str) or '\x00' in text:
        return re.split(pattern, text)
    return re.sub(chars + r'\s+', '\\1\x00', text).split('\x00')
"""

_WORDS = frozenset({r"\b\w+\b", r"\b\w+"})
_AFTER = re.compile(r"\(\?<=(\[[.!?;:…。！？]+\])\)\\s\+")
Edit = tuple[ast.expr, str, bool]  # a node, a text, and whether the text follows the node or replaces it


def rewrite(source: str, nodes: list[ast.AST]) -> str:
    """The source with the slow idioms replaced; unchanged where `re` is not simply the imported module."""
    calls = [node for node in nodes if isinstance(node, ast.Call) and _is_re(node.func)]
    if not calls or not _re_is_the_module(nodes):
        return source
    edits = [edit for call in calls for edit in _edits(call)]
    lines = source.encode().split(b"\n")
    for node, text, follows in sorted(
        edits, key=lambda e: (e[0].end_lineno, e[0].end_col_offset), reverse=True
    ):
        if node.lineno == node.end_lineno:
            line = lines[node.lineno - 1]
            start = node.end_col_offset if follows else node.col_offset
            lines[node.lineno - 1] = line[:start] + text.encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"


def _edits(call: ast.Call) -> list[Edit]:
    if len(call.args) < 2 or any(isinstance(argument, ast.Starred) for argument in call.args):
        return []
    assert isinstance(call.func, ast.Attribute)
    name, first = call.func.attr, call.args[0]
    pattern = first.value if isinstance(first, ast.Constant) else None
    if name in ("findall", "finditer") and pattern in _WORDS:
        return [(first, r"r'\w+'", False)]
    if name == "search" and len(call.args) <= 3 and all(keyword.arg == "flags" for keyword in call.keywords):
        return [(call.func, "_verif_search", False)]
    if name == "split" and len(call.args) == 2 and not call.keywords and isinstance(pattern, str):
        match = _AFTER.fullmatch(pattern)
        one_line = first.lineno == first.end_lineno and call.func.lineno == call.func.end_lineno
        if match and one_line:
            return [(call.func, "_verif_split", False), (first, f", '({match[1]})'", True)]
    return []


def _re_is_the_module(nodes: list[ast.AST]) -> bool:
    """True if nothing but a plain `import re` binds the name."""
    bound = False
    for node in nodes:
        if isinstance(node, ast.alias) and (node.asname or node.name) == "re":
            bound = True
            if node.asname == "re":
                return False
        elif (
            (
                isinstance(node, ast.ImportFrom)
                and any((alias.asname or alias.name) == "re" for alias in node.names)
            )
            or (isinstance(node, ast.Name) and node.id == "re" and not isinstance(node.ctx, ast.Load))
            or (isinstance(node, ast.arg) and node.arg == "re")
            or (isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name == "re")
        ):
            return False
    return bound
