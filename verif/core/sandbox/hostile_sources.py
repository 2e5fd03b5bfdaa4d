"""Attacks that lie in a checker's source rather than in what it does; a part of `verif.core.sandbox.hostile`.

They aim at the difference between the tree that is proved and the text that runs (`PROOF`), at the one who reads the
source (`READER`), and at what an engine may decide although Python would not even compile or run it (`REFUSED`).
"""

from __future__ import annotations

_HEAD = "def check_following(instruction, response):\n"
#: What a checker with `exec` would do to its neighbours, were any of these names theirs.
_TAKE_OVER = "global {0}; {0} = lambda *a, **k: {1}"
_ONLY_ONES = "chr(49) * (len(a[0]) * len(_verif_responses))"
_NAMES = (
    "_verif_run", "_verif_add", "_verif_make", "_verif_count", "_verif_search", "_verif_split", "_verif_findall",
    "_verif_checks", "_verif_counted", "_verif_lowered", "len", "all", "any", "str", "bool", "isinstance",
)  # fmt: skip


def _formatted(spec: str, head: str = "") -> str:
    """A checker whose f-string holds this format spec; the docstring made the old harness write the source anew."""
    return (
        f"{head}{_HEAD}    '''Doc.'''\n    a = 'x'\n    if f'{{a:{spec}}}':\n        pass\n    return False\n"
    )


def _exec(name: str) -> str:
    """What makes every check pass that uses this name."""
    return f'exec("{_TAKE_OVER.format(name, _ONLY_ONES if name == "_verif_run" else 2)}")'


PROOF = (
    *(_formatted(rf"\x7b{_exec(name)}\x7d") for name in _NAMES),
    *(
        _formatted(f"{left}{_exec('len')}{right}")
        for left, right in (
            (r"\173", r"\175"),
            (r"\u007b", r"\u007d"),
            (r"\U0000007b", r"\U0000007d"),
            (r">\x7b", r"\x7d9"),
            (r"\N{LEFT CURLY BRACKET}", r"\N{RIGHT CURLY BRACKET}"),
            (r"\x7b\x7b", r"\x7d\x7d"),
            ("{{", "}}"),
            (r"\x7b\x7b\x7b", r"\x7d\x7d\x7d"),
            (r"{a:\x7b", r"\x7d}"),
            (r"\x7b", r"!r\x7d"),
            (r"\x7b", r":\x7d"),
        )
    ),
    _formatted(r"\x7bexec(a)\x7d").replace("'x'", repr(_TAKE_OVER.format("len", 2))),
    _formatted(r"\x7b(z:=exec)(\x27len=0\x27)\x7d"),
    _formatted(r"\x7b__import__(\x27os\x27)\x7d"),
    _formatted(r"\x7b_verif_programs.clear()\x7d"),
    _formatted(r"\x7b_verif_responses.clear()\x7d"),
    f"F = f'{{0:\\x7b{_exec('len')}\\x7d}}'\n{_HEAD}    return False\n",
    f"def check_following(i, r, x=f'{{0:\\x7b{_exec('len')}\\x7d}}'):\n    return False\n",
    f"{_HEAD}    g = lambda t: f'{{t:\\x7b{_exec('len')}\\x7d}}'\n    g(1)\n    return False\n",
    f"{_HEAD}    return ｅxec('global len\\nlen = None') is not None\n",
    f"{_HEAD}    global len\n    ｌen = lambda t: 2\n    return False\n",
    f"{_HEAD}    return 'x' == '''\n' ''' or ({_exec('len')} and False)\n",
    "x = 1 \\\n; exec('global len\\nlen = None')\n" + _HEAD + "    return False\n",
    "\x0cexec('global len\\nlen = None')\n" + _HEAD + "    return False\n",
    "# \u2028exec('global len\\nlen = None')\n" + _HEAD + "    return False\n",
    "# \rexec('global len\\nlen = None')\n" + _HEAD + "    return False\n",
    "# \x85exec('global len\\nlen = None')\n" + _HEAD + "    return False\n",
    "# coding: utf-7\n# +AAo-exec('len = None')\n" + _HEAD + "    return False\n",
    _HEAD + "    return _verif_count(response) == 0 or _verif_search('', response) is not None\n",
    _HEAD + "    print.seen = 1\n    return bool(print.seen)\n",
)

_ALONE = _HEAD + "    global q\n    q = 1\n    return "
READER = (
    _ALONE + "f'a\u00a0b' == response\n",
    _ALONE + "f'{response}\u00a0{q!r}' == response\n",
    _ALONE + "len(response) > " + "+".join(["1"] * 350) + "\n",
    _HEAD + "    return len(response) > " + "+".join(["1"] * 350) + "\n",
    _ALONE + "len(response) > 0x" + "f" * 50_000 + "\n",
    _HEAD + "    return len(response) > 0x" + "f" * 50_000 + "\n",
    _ALONE + "len(response) > " + "9" * 50_000 + "\n",
    _ALONE + "response == '" + "a" * 50_000 + "'\n",
    _ALONE + "response.translate({1: 0x" + "f" * 50_000 + "}) == 'never'\n",
    _ALONE + "'\\ud800' in response\n",
    _ALONE + "'\ud800' in response\n",
    _ALONE + "'\\x00' in response\n",
    _HEAD + "    return " + "-" * 60_000 + "1 > 2\n",
    _HEAD + "    return " + "not " * 15_000 + "1\n",
    _HEAD + "    return response" + ".a" * 30_000 + "\n",
    _HEAD + "    return response" + "()" * 30_000 + "\n",
    _HEAD + "    return " + "[" * 30_000 + "]" * 30_000 + " == 1\n",
    _HEAD + "    return " + "(" * 190 + "0" + ")" * 190 + "\n",
    _HEAD + "    return " + "(lambda: " * 180 + "0" + ")()" * 180 + "\n",
    "".join(f"{' ' * n}if 1:\n" for n in range(99)) + " " * 99 + "x = 1\n" + _HEAD + "    return False\n",
    _HEAD + "    if not response: pass\n" + "    elif not response: pass\n" * 2_000,
    _HEAD + "    return " + "**".join("2" * 20_000) + " == 0\n",
    "import " + ",".join(["re"] * 20_900) + "\n" + _HEAD + "    return False\n",
    "x = " + "f'{0}'" * 9_000 + "\n" + _HEAD + "    return False\n",
)

_TRUE = _HEAD + "    return True\n"
REFUSED = (
    "return 1\n" + _TRUE,
    "break\n" + _TRUE,
    "continue\n" + _TRUE,
    "nonlocal x\n" + _TRUE,
    "yield 1\n" + _TRUE,
    "await x\n" + _TRUE,
    "__debug__ = 1\n" + _TRUE,
    "from __future__ import no_such_feature\n" + _TRUE,
    "x = 1\nfrom __future__ import annotations\n" + _TRUE,
    "def f(a, a):\n    pass\n" + _TRUE,
    "f = lambda a, a: 1\n" + _TRUE,
    "def f(x):\n    global x\n" + _TRUE,
    "def f():\n    x = 1\n    global x\n" + _TRUE,
    "def f():\n    print(x)\n    global x\n" + _TRUE,
    "def f():\n    global x\n    x: int = 1\n" + _TRUE,
    "def f():\n    nonlocal x\n" + _TRUE,
    "def f():\n    global x\n    nonlocal x\n" + _TRUE,
    "def f():\n    from re import *\n" + _TRUE,
    "def f():\n    break\n" + _TRUE,
    "def f(__debug__):\n    pass\n" + _TRUE,
    "print(__debug__=1)\n" + _TRUE,
    "*a, *b = [1, 2]\n" + _TRUE,
    "*a = [1]\n" + _TRUE,
    "[x := 1 for x in [1]]\n" + _TRUE,
    "try:\n    pass\nexcept:\n    pass\nexcept ValueError:\n    pass\n" + _TRUE,
    "f(a=1, a=2)\n" + _TRUE,
    "def f():\n    async with x:\n        pass\n" + _TRUE,
    "def f():\n    return [await x for x in []]\n" + _TRUE,
    "class A:\n    return 1\n" + _TRUE,
    "for x in []:\n    def f():\n        continue\n" + _TRUE,
    # and what Python compiles, and then does not find
    _HEAD + "    return re.search('', response) is not None\n",
    _HEAD + "    return bool(re)\n",
    _HEAD + "    return len(ENTRY) > 0\n",
    "def check_following(i, r):\n    return bool(instruction) or bool(response)\n",
    _HEAD + "    return bool(_verif_run)\n",
    "def check_following(i, r):\n    global q\n    q = 1\n    return response is not None\n",
    "def check_following(i, r):\n    global q\n    q = 1\n    return bool(_verif_text) or bool(_verif_space)\n",
)
