"""Fuzz the purity proof: whatever text it lets into a shared session is the tree that was proved, and harmless.

`run` makes sources of three kinds (f-strings with every sort of escape, honest checkers with odd pieces put into
them, deep and long ones), reads them, and asks of each: nothing was raised; a text that is shared reads as the
source's own program; none of it names what the proof forbids, looked up here with `ast.walk` and lists of its
own. Nothing generated is executed.
"""

from __future__ import annotations

import ast
import random
import time
import warnings
from collections import Counter

from verif.core.sandbox import faithful, purity, shims
from verif.core.sandbox.program import Program, read, solo

_FORBIDDEN = frozenset({"exec", "eval", "open", "getattr", "setattr", "globals", "locals", "vars", "type", "compile",
                        "object", "input", "breakpoint", "delattr", "dir", "memoryview", "super", "__import__"})  # fmt: skip
_HONEST = (
    "def check_following(instruction, response):\n    return len(response.split()) == 2\n",
    "import re\ndef check_following(instruction, response):\n    return bool(re.search(r'\\btwo\\b', response, re.I))\n",
    "import re\nN = 3\ndef check_following(instruction, response):\n"
    "    parts = re.split(r'(?<=[.!?])\\s+', response)\n    return all(len(p.split()) > N for p in parts)\n",
    "def check_following(instruction, response):\n    words = [w.strip('.,') for w in response.split()]\n"
    "    for w in words:\n        if f'{len(w):>3}' == '  7':\n            return True\n    return False\n",
    "import string\ndef check_following(instruction, response):\n"
    "    return sum(map(str.isupper, response)) > 2 and response.translate({97: None}) != string.digits\n",
)
_PIECES = (
    "exec('x=1')", "{exec('1')}", "\\x7bexec('1')\\x7d", "\\N{LEFT CURLY BRACKET}", "\\173", "{{", "}}", "{", "}",
    "\\", "\\\n", "\r", "\r\n", "\x0c", "\t", "\u2028", "\u0085", "\ufeff", "\u00a0", "\x00", "\ud800", "ｅxec", "ﬁ", "'",
    '"', "'''", '"""', "#", ":", "!r", "=", ":=", "(", ")", "[", "]", ";", "\n", "\n    ", "_verif_run", "_verif_search",
    "__class__", "f'{x:{y}}'", "rf'\\{x}'", "lambda: 1", "global len", "import os", "from os import *", "class A: pass",
    "while 1: pass", "1if 1else 2", "0x1for x in y", "# coding: latin-1", "from __future__ import annotations\n", "é",
    "print('x')", "(yield)", "del x", "@print\n", "nonlocal x", "x.y = 1", "*", "**", "->", "match x:\n case _: pass",
    "-0.0", "1e999", "1e999j", "0" * 40, "9" * 5000, "0x" + "f" * 5000, "b'\\xff'", "u'x'", "...", "'\\ud800'", "r'\\N'",
)  # fmt: skip
_FSTRING = ("{x}", "{x!r}", "{x:>3}", "{x:{w}}", "{x:\\x7bexec('1')\\x7d}", "{x:\\x7b}", "{x:\\x7d}", "{{", "}}", "\\x7b",
            "\\x7d", "{x:\\N{DIGIT ONE}}", "\\N{LEFT CURLY BRACKET}", "{x=}", "{x = !r:^5}", "{x:\\173x\\175}", "{x:{{w}}}",
            "{x:'>5}", "\\n", "\\\\", "\\'", "a", " ", "\u00a0", "é", "{x!s:\\u007bw\\u007d}", "{'a'}", "{x[0]}", "{x.y}",
            "{(lambda: 1)()}", "{x:%d}", "{ {1: 2}[1] }", "{x or 'b'}", "{x:a{w}b{w}}", "{'{'}", "{x:!r}", "{x!r:!r}",
            "{x:\\\\}", "{x:\\n}", "\\\n", "{x:\\x7b\\x7bw\\x7d\\x7d}", "{f'{x}'}", "{x:>{'9'}}", "{x:,}", "{-x:+}")  # fmt: skip


def run(seed: int, seconds: float) -> dict[str, int]:
    """Counts of what was read; raises `AssertionError` with the source on the first fault."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < ends:
            for make in (fstring, mutation, long):
                examine(make(rng), counts)
    return dict(counts)


def fstring(rng: random.Random) -> str:
    """A checker around one random f-string."""
    quote = rng.choice(("'", '"', "'''", '"""'))
    prefix = rng.choice(("f", "f", "f", "rf", "F", "'a' f"))
    text = f"{prefix}{quote}{''.join(rng.choices(_FSTRING, k=rng.randint(1, 4)))}{quote}"
    head = rng.choice(("", "", "global q; "))
    return f"def check_following(x, w):\n    {head}return {text} == 'a'\n"


def mutation(rng: random.Random) -> str:
    """An honest checker with one to three odd pieces put anywhere."""
    text = rng.choice(_HONEST)
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice(_PIECES) + text[place + rng.choice((0, 0, 1, 4)) :]
    return text


def long(rng: random.Random) -> str:
    """One expression made deep or long."""
    times = int(2 ** rng.uniform(0, 11))
    left, middle, right = rng.choice(
        (("1+", "1", ""), ("(", "1", ")"), ("-", "1", ""), ("not ", "1", ""), ("lambda: ", "1", ""), ("[", "1", "]"),
         ("", "x", ".a"), ("", "x", "()"), ("1 if 1 else ", "1", ""), ("1<", "1", ""), ("{1:", "1", "}"), ("f(", "x", ")"),
         ("re.search('a', ", "x", ")"), ("2**", "2", ""), ("", "'a'", " 'b'"), ("f'{", "x", "}'"), ("x and ", "x", ""))
    )  # fmt: skip
    deep = left * times + middle + right * times
    return f"import re\ndef check_following(x, w):\n    f = len\n    return {deep}\n"


def examine(source: str, counts: Counter[str]) -> None:
    """Read one source and check what the reader says of it."""
    try:
        program = read(source)
        text, problem = ("", "-") if program.problem else solo(source)
    except BaseException as error:
        raise AssertionError(f"reading raised {error!r}: {source[:2_000]!r}") from error
    kind = "problem" if program.problem else "alone" if program.alone else "shared"
    counts["read"] += 1
    counts[kind] += 1
    counts["unparse_differs"] += _unparse_differs(source)
    if kind != "problem":
        assert text or problem, f"nothing to run, and no reason: {source!r}"
    if kind == "shared":
        _harmless(program)


def _harmless(program: Program) -> None:
    source = program.source
    try:
        sent = ast.parse(program.shared)
    except SyntaxError as error:
        raise AssertionError(f"sent text does not parse: {source!r} -> {program.shared!r}") from error
    meant = ast.parse(source)
    meant.body = [
        node for node in meant.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    names = purity.HARNESS | shims.NAMES
    as_read = faithful.same(meant, sent, names)  # what is slow may have been replaced in it, and nothing else
    assert as_read or faithful.same(shims.supply(meant, alone=False), sent, names), (
        f"sent text differs: {source!r} -> {program.shared!r}"
    )
    for node in ast.walk(ast.parse(source)):
        for name in (getattr(node, "id", ""), getattr(node, "attr", "")):
            assert not name.startswith(("__", "_verif")), f"{name} is shared: {source!r}"
            assert name.isascii(), f"{name} is shared: {source!r}"
        assert getattr(node, "id", "") not in _FORBIDDEN, f"a name is shared: {source!r}"
    for node in ast.walk(sent):
        if isinstance(node, ast.Name):
            assert node.id not in _FORBIDDEN - {"type"}, (
                f"{node.id} is sent: {source!r} -> {program.shared!r}"
            )


def _unparse_differs(source: str) -> bool:
    """Whether Python's own `ast.unparse` would have written another program (as a measure of what is at stake)."""
    try:
        tree = ast.parse(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    try:
        return ast.dump(ast.parse(ast.unparse(tree))) != ast.dump(tree)
    except (ValueError, SyntaxError, RecursionError):
        return True
