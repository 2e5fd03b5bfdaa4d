r"""What is proved is what runs: two parsers read a checker, Python's for the proof and the engine's to run it.

Python 3.11's own `ast.unparse` turns a constant inside a format spec into live code (`f'{x:\x7bCODE\x7d}'`), so a
text that was made is believed only after it was read again and found to be the tree it was made from (`same`). And
what two parsers may read differently is kept out of shared sessions: a whitelist of characters, layouts and
f-strings, not a list of known differences. It does not compare the two parsers themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from verif.core.sandbox.syntax import parse, walk

#: Control characters, Unicode's line ends, the byte order mark, surrogates; line continuations; escapes by name or
#: beyond a byte; a keyword glued to a number. `ast.unparse` writes the same program without any of them.
_ODD = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]|\\\n|\\N|\\[4-7][0-7]{2}"
    r"|\d(?:and|else|for|if|in|is|not|or)\b|__future__|coding[:=]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Kinds that may stand in the braces of a shared f-string: nothing with braces, quotes in quotes, `:` or `=` of its own.
_IN_BRACES = (
    ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.Subscript, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare,
    ast.BoolOp, ast.IfExp, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
)  # fmt: skip
_FORMAT = re.compile(r"[ !#-&(-\[\]-z|~]+")  # printable ASCII but quotes, backslash and braces
_STEPS = 20


def plain(text: str, nodes: list[ast.AST]) -> bool:
    """True if the text itself holds only what every parser reads alike; otherwise it has to be written anew."""
    return not _ODD.search(text) and not (
        "\\" in text and any(isinstance(node, ast.JoinedStr) for node in nodes)
    )


def misread(nodes: list[ast.AST]) -> str:
    """What the engine is known to read as something else, however it is written: no session may run it."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SURROGATE.search(node.value):
            return "holds a lone surrogate, which the sandbox's strings cannot"
        if isinstance(node, ast.JoinedStr) and any(_hides_braces(part) for part in _specs(node)):
            return "an f-string's format holds braces or escapes, which the sandbox would run as code"
    return ""


def exotic(nodes: list[ast.AST]) -> str:
    """Why a tree may not be shared whatever its text: names or f-strings that two parsers may read differently."""
    for node in nodes:
        if isinstance(node, ast.FormattedValue):
            if not all(_FORMAT.fullmatch(_constant(part)) for part in _parts(node.format_spec)):
                return "uses a computed or unusual format in an f-string"
            for part in walk(node.value):
                if not isinstance(part, _IN_BRACES) or not _bare(part):
                    return f"uses {type(part).__name__} inside an f-string"
    return ""


def _bare(node: ast.AST) -> bool:
    """False for a string that needs care inside the braces of an f-string."""
    value = node.value if isinstance(node, ast.Constant) else None
    return not isinstance(value, str | bytes) or (
        isinstance(value, str) and value.isascii() and value.replace("_", "a").replace(" ", "a").isalnum()
    )


def _parts(spec: ast.expr | None) -> list[ast.expr]:
    return spec.values if isinstance(spec, ast.JoinedStr) else [] if spec is None else [spec]


def _specs(node: ast.JoinedStr) -> Iterator[ast.expr]:
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            yield from _parts(value.format_spec)


def _hides_braces(part: ast.expr) -> bool:
    if isinstance(part, ast.FormattedValue):  # a computed width
        return not all(isinstance(node, _IN_BRACES) and _bare(node) for node in walk(part.value))
    text = _constant(part)
    return not text.isprintable() or any(c in "{}\\" for c in text)


def _constant(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""


def rewritten(tree: ast.Module) -> tuple[str, ast.Module, list[ast.AST]]:
    """A text for this tree, and what was read back from it: the same tree, or `ValueError`."""
    text = ast.unparse(tree)
    again, nodes = parse(text)
    if not same(tree, again):
        raise ValueError("it cannot be written down so that Python reads the same program")
    return text, again, nodes


def same(read: ast.AST, sent: ast.AST, harness: frozenset[str] = frozenset()) -> bool:
    """True if both trees are the same, node for node and constant for constant, wherever they stand in their texts.

    `harness` names functions of ours that may stand in `sent` where `read` has a call or a method: each of
    their arguments must then be a constant, or stand in what it replaces. Only there, and in the pattern of
    a call of `re`, may anything differ.
    """
    return _Comparison(harness, _STEPS * len(walk(read)) + 1_000).same(read, sent)


class _Comparison:
    """Bounded: alternatives are tried for the arguments of a replaced call, and a source may be made of such calls."""

    def __init__(self, harness: frozenset[str], steps: int) -> None:
        self.harness, self.steps = harness, steps

    def same(self, read: Any, sent: Any) -> bool:
        waiting = [(read, sent)]
        while waiting:
            self.steps -= 1
            if self.steps < 0:
                return False
            read, sent = waiting.pop()
            if self._replaced(read, sent):
                continue
            if type(read) is not type(sent):
                return False
            if isinstance(read, list):
                if len(read) != len(sent):
                    return False
                waiting += zip(read, sent, strict=True)
            elif isinstance(read, ast.Constant):
                if not _equal(read.value, sent.value):
                    return False
            elif isinstance(read, ast.AST):
                skip = self._pattern(read, sent)
                for name in read._fields:
                    if name in ("type_comment", "type_ignores"):
                        continue
                    first: Any = getattr(read, name, None)
                    second: Any = getattr(sent, name, None)
                    waiting.append((first[1:], second[1:]) if skip and name == "args" else (first, second))
            elif not _equal(read, sent):
                return False
        return True

    def _replaced(self, read: Any, sent: Any) -> bool:
        """True if `other` is a function of ours, or a call of one, that may stand for `one`."""
        if isinstance(sent, ast.BoolOp) and isinstance(read, ast.Attribute) and len(sent.values) == 2:
            module, function = sent.values  # `re and helper`: a NameError where the name is not there yet
            return isinstance(sent.op, ast.And) and self._ours(function) and self.same(read.value, module)
        if isinstance(sent, ast.Name):
            return sent.id in self.harness and isinstance(read, ast.Attribute)
        if (
            not isinstance(sent, ast.Call)
            or not self._ours(_function(sent))
            or not isinstance(read, ast.Call)
        ):
            return False
        if self._ours(_function(read)):
            return False  # compared as any two calls
        given = [*sent.args, *(keyword.value for keyword in sent.keywords)]
        return all(
            isinstance(value, ast.Constant) or any(self.same(part, value) for part in _within(read))
            for value in given
        )

    def _ours(self, function: ast.expr) -> bool:
        return isinstance(function, ast.Name) and function.id in self.harness

    def _pattern(self, read: ast.AST, sent: ast.AST) -> bool:
        """True for two calls of `re` whose first arguments are texts."""
        return bool(self.harness) and all(
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "re"
            and bool(call.args)
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
            for call in (read, sent)
        )


def _function(call: ast.Call) -> ast.expr:
    """The function of a call, also where it is called as `(re and helper)(...)`."""
    return call.func.values[-1] if isinstance(call.func, ast.BoolOp) else call.func


def _within(call: ast.Call, deeper: bool = True) -> Iterator[ast.expr]:
    """What a replaced call was given: its arguments, its object, and the same of calls among its arguments."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    yield from given
    if isinstance(call.func, ast.Attribute):
        yield call.func.value
    if deeper:
        for value in given:
            if isinstance(value, ast.Call):
                yield from _within(value, deeper=False)


def _equal(read: object, sent: object) -> bool:
    """Equality that sees the sign of zero, and that NaN is NaN."""
    if type(read) is not type(sent):
        return False
    return repr(read) == repr(sent) if isinstance(read, float | complex) else read == sent
