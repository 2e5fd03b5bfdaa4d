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
