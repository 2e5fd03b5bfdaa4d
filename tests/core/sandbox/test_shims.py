import string

import pytest

from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

TEXT = "Hello, Wörld! abc 12"


@pytest.mark.parametrize(
    ("before", "expression", "expected"),
    [
        ("", "list(map(str.lower, ['A', 'b']))", ["a", "b"]),
        ("", "sorted(response.split(), key=str.casefold)", sorted(TEXT.split(), key=str.casefold)),
        ("", "[str.strip(w, 'H') for w in response.split()]", [w.strip("H") for w in TEXT.split()]),
        ("", "list(filter(str.isalpha, response))", [c for c in TEXT if c.isalpha()]),
        ("", "response.translate(str.maketrans('', '', '!,'))", TEXT.translate(str.maketrans("", "", "!,"))),
        ("", "response.translate(str.maketrans('ab', 'xy'))", TEXT.translate(str.maketrans("ab", "xy"))),
        ("", "response.translate(str.maketrans({'a': 'zz', 'b': None}))", TEXT.translate(str.maketrans({"a": "zz", "b": None}))),
        ("import string", "string.punctuation", string.punctuation),
        ("import re, string as st", "st.ascii_lowercase + st.digits", string.ascii_lowercase + string.digits),
        ("from string import punctuation as marks", "[c for c in response if c in marks]", [",", "!"]),
        ("import string", "response.translate(str.maketrans('', '', string.punctuation))", "Hello Wörld abc 12"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("alone", [False, True])
def test_what_the_engine_lacks_is_supplied(
    sandbox: Sandbox, before: str, expression: str, expected: object, alone: bool
) -> None:
    extra = "    global _q\n" if alone else ""
    source = f"{before}\ndef check_following(instruction, response):\n{extra}    return {expression} == {expected!r}\n"
    result = sandbox.check_group("", [source], [TEXT])[0][0]
    assert (result.status, result.reason) == (Status.PASS, "")


def test_a_name_of_its_own_is_left_alone(sandbox: Sandbox) -> None:
    source = "class T:\n    def lower(self):\n        return 'mine'\nstr = T()\n"
    source += "def check_following(instruction, response):\n    return str.lower() == 'mine'\n"
    assert sandbox.check_group("", [source], ["x"])[0][0].status is Status.PASS


def test_unbound_methods_still_refuse_other_types(sandbox: Sandbox) -> None:
    source = "def check_following(instruction, response):\n    return str.lower(5) == ''\n"
    result = sandbox.check_group("", [source], ["x"])[0][0]
    assert result.status is Status.ERROR
    assert "TypeError" in result.reason


def test_special_methods_the_engine_would_ignore_are_refused(sandbox: Sandbox) -> None:
    source = "class No:\n    def __bool__(self):\n        return False\n"
    source += "def check_following(instruction, response):\n    return No()\n"
    result = sandbox.check_group("", [source], ["x"])[0][0]
    assert result.status is Status.ERROR
    assert "__bool__" in result.reason


EVALUATED = [
    "def check_following(i, r: List[str]):\n    return True\n",
    "def check_following(i, r) -> Optional[bool]:\n    return True\n",
    "def check_following(i: later, r):\n    return True\nlater = int\n",
    "def check_following(i, r: str[int]):\n    return True\n",
    "def check_following(i, r: 'str' | None):\n    return True\n",
    "def check_following(i, r):\n    def helper(text: Text):\n        return text\n    return True\n",
    "from typing import List\ndef check_following(i, r: List[int, str]):\n    return True\n",
    "def check_following(i, r: List):\n    return True\nfrom typing import List\n",
    "number: Undefined = 3\ndef check_following(i, r):\n    return True\n",
]


@pytest.mark.parametrize("source", EVALUATED)
def test_an_annotation_that_python_cannot_evaluate_decides_nothing(source: str, sandbox: Sandbox) -> None:
    with pytest.raises((NameError, TypeError)):
        exec(source + "\ncheck_following('', 'a')\n", {})
    (row,) = sandbox.check_group("", [source], ["a"])
    assert row[0].status is Status.ERROR
    assert "annotation" in row[0].reason


@pytest.mark.parametrize(
    "source",
    [
        "def check_following(instruction: str, response: str) -> bool:\n    return True\n",
        "from __future__ import annotations\ndef check_following(i: Text, r: Text):\n    return True\n",
        "from typing import Dict, List, Optional, Tuple\ndef helper(x: List[str], y: Dict[str, int] = {}) -> Optional[str]:\n"
        "    return None\ndef check_following(i, r: str | None) -> Tuple[bool, ...]:\n    n: Undefined = 3\n    return n\n",
        "counts: dict[str, list[int]] = {}\ndef check_following(i, r):\n    return True\n",
    ],
)
def test_usual_annotations_are_decided(source: str, sandbox: Sandbox) -> None:
    exec(source, {})
    assert [row[0].status for row in sandbox.check_group("", [source], ["a"])] == [Status.PASS]


def test_searches_between_positions_are_pythons(sandbox: Sandbox) -> None:
    """`"abc".find("", -1, 1)` is -1 in Python: the part ends before it begins."""
    positions = (-9, -1, 0, 1, 2, 3, 9, None)
    cases = [
        (name, part, start, end)
        for name in ("find", "rfind", "count", "startswith", "endswith")
        for part in ("", "b") for start in positions for end in positions
    ]  # fmt: skip
    wanted = [getattr("abc", case[0])(*case[1:]) for case in cases]
    calls = ", ".join(f"r.{name}({part!r}, {start}, {end})" for name, part, start, end in cases)
    source = f"def check_following(i, r):\n    return str([{calls}]) == {str(wanted)!r}\n"
    assert [row[0].status for row in sandbox.check_group("", [source], ["abc"])] == [Status.PASS]


def test_a_handler_without_a_type_is_decided_and_keeps_no_error_of_the_engine(sandbox: Sandbox) -> None:
    head = "import re\ndef check_following(i, r):\n    try:\n        "
    checks = {
        "return int(r) > 1\n    except:\n        return True\n": Status.PASS,
        "return int(r) > 1\n    except:\n        pass\n    return False\n": Status.FAIL,
        "return undefined\n    except:\n        return True\n": Status.ERROR,
        "x = 1\n    except:\n        x = 2\n    return re.sub('z', 5, r) and x\n": Status.ERROR,  # TypeError in Python
    }
    rows = sandbox.check_group("", [head + body for body in checks], ["a"])
    assert [cell.status for cell in rows[0]] == list(checks.values())


@pytest.mark.parametrize(
    "body",
    [
        "return i.isalpha()", "return i.upper().isupper()", "return any(c.isalpha() for c in i)", "return chr(0x1c89).isalpha()",
        "return any(map(str.isalpha, map(chr, [7305])))", "return json.loads('\"\\\\u1c89\"').isalpha()",
        "return b'\\xe1\\xb2\\x89'.decode().isalpha()", "return str([i]) != \"['\\\\u1c89']\"",
        "return f'{i!r}' != \"'\\\\u1c89'\"",
        "return '%r' % i != \"'\\\\u1c89'\"", "return '{!r}'.format(i) != \"'\\\\u1c89'\"",
        "return str([r, i]) != \"['', '\\\\u1c89']\"",
    ],
)  # fmt: skip
def test_characters_newer_than_python_decide_nothing_wherever_they_come_from(
    body: str, sandbox: Sandbox
) -> None:
    """The engine knows U+1C89, and CPython 3.11 does not: all of these are False there."""
    source = f"import json\ndef check_following(i, r):\n    {body}\n"
    (row,) = sandbox.check_group("\u1c89", [source], [""])
    assert row[0].status is Status.ERROR
    assert "does not know" in row[0].reason
