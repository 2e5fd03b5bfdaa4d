r"""Idioms that the sandbox's engine runs slowly, replaced by equal ones.

Word boundaries and look-behind take its slow path (3 to 30 times slower), and a pattern that is given as text
is compiled in every feed and starts cold in every call. Nearly every VerInstruct checker uses one of a few
idioms. Each replacement gives the same result on every text (`tests/checkers/test_faster.py`):

- `\b\w+\b` (or `\b\w+`) in `findall` and `finditer` is `\w+`: the run is greedy, so it starts and ends at
  boundaries anyway. The session holds it compiled.
- `re.split(r"(?<=[.!?])\s+", text)`: the class holds no white space, so every match is the white space after
  one of its characters. A NUL is put there and split at; a text that holds a NUL takes the original.
- `re.split(pattern, text)` with any other constant: the session keeps the compiled pattern.
- `len(response.split())`: where a text has no white space but blanks and line ends, its words are counted
  between single blanks, without a list of them; siblings that count the same text count it once.
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
_verif_run_of_words = re.compile(r'\w+')
_verif_other_space = re.compile(r'[^\S \n]')
_verif_compiled = {}
_verif_counted = ['', 0]
def _verif_findall(pattern, text, flags=0):
    if flags == 0 or flags == re.IGNORECASE:
        return _verif_run_of_words.findall(text)
    return re.findall(pattern, text, flags)
def _verif_pattern(pattern):
    compiled = _verif_compiled.get(pattern)
    if compiled is None:
        compiled = re.compile(pattern)
        if len(_verif_compiled) < 64:
            _verif_compiled[pattern] = compiled
    return compiled
def _verif_split_at(pattern, text):
    return _verif_pattern(pattern).split(text)
def _verif_count(text):
    if not isinstance(text, str):
        return len(text.split())
    if _verif_counted[0] != text:
        words = text
        if _verif_other_space.search(words):
            count = len(words.split())
        else:
            words = words.replace('\n', ' ')
            while '  ' in words:
                words = words.replace('  ', ' ')
            words = words.strip(' ')
            count = words.count(' ') + 1 if words else 0
        _verif_counted[0] = text
        _verif_counted[1] = count
    return _verif_counted[1]
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
    return _verif_pattern(chars + r'\s+').sub('\\1\x00', text).split('\x00')
"""

_WORDS = frozenset({r"\b\w+\b", r"\b\w+"})
_AFTER = re.compile(r"\(\?<=(\[[.!?;:…。！？]+\])\)\\s\+")
Edit = tuple[ast.expr, str, bool]  # a node, a text, and whether the text follows the node or replaces it


def rewrite(source: str, nodes: list[ast.AST]) -> str:
    """The source with the slow idioms replaced; patterns only where `re` is simply the imported module."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    patterns = [call for call in calls if _is_re(call.func)]
    edits = [edit for call in patterns for edit in _edits(call)] if _re_is_the_module(nodes) else []
    if not _binds(nodes, "len"):
        edits += [(call, "_verif_count(response)", False) for call in calls if _counts_words(call)]
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


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"


def _edits(call: ast.Call) -> list[Edit]:
    if len(call.args) < 2 or any(isinstance(argument, ast.Starred) for argument in call.args):
        return []
    assert isinstance(call.func, ast.Attribute)
    name, first = call.func.attr, call.args[0]
    pattern = first.value if isinstance(first, ast.Constant) else None
    if name == "findall" and pattern in _WORDS and len(call.args) <= 3 and not call.keywords:
        return [(call.func, "_verif_findall", False)]
    if name in ("findall", "finditer") and pattern in _WORDS:
        return [(first, r"r'\w+'", False)]
    if name == "search" and len(call.args) <= 3 and all(keyword.arg == "flags" for keyword in call.keywords):
        return [(call.func, "_verif_search", False)]
    if name == "split" and len(call.args) == 2 and not call.keywords and isinstance(pattern, str):
        match = _AFTER.fullmatch(pattern)
        one_line = first.lineno == first.end_lineno and call.func.lineno == call.func.end_lineno
        if match and one_line:
            return [(call.func, "_verif_split", False), (first, f", '({match[1]})'", True)]
        return [(call.func, "_verif_split_at", False)]
    return []


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


def _re_is_the_module(nodes: list[ast.AST]) -> bool:
    """True if nothing but a plain `import re` binds the name."""
    plain = [
        node for node in nodes if isinstance(node, ast.alias) and (node.name, node.asname) == ("re", None)
    ]
    from_other = any(
        isinstance(node, ast.ImportFrom) and any(alias.name == "re" for alias in node.names) for node in nodes
    )
    known = {id(node) for node in plain}
    return bool(plain) and not from_other and not _binds([n for n in nodes if id(n) not in known], "re")


def _binds(nodes: list[ast.AST], name: str) -> bool:
    """True if any node binds the name: an import, an assignment, a parameter, a function or a handler."""
    return any(
        (isinstance(node, ast.alias) and (node.asname or node.name) == name)
        or (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.arg) and node.arg == name)
        or (isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name == name)
        for node in nodes
    )
