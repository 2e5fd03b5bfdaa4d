import ast

import pytest

from verif.core.sandbox import shims
from verif.core.sandbox.program import MAX_SOURCE, read, walk
from verif.core.sandbox.purity import ALONE_MARK


def check(body: str, before: str = "") -> str:
    return f"{before}\ndef check_following(instruction, response):\n    {body}\n"


@pytest.mark.parametrize(
    "source",
    [
        check("return 'a' in response"),
        check("words = response.split()\n    words.append('x')\n    return len(words) > 3"),
        check(
            "counts = {}\n    for c in response:\n        counts[c] = counts.get(c, 0) + 1\n    return counts.get('a', 0) > 1"
        ),
        check("try:\n        return int(response) > 3\n    except ValueError:\n        return False"),
        check("return all(re.search(k, response) for k in KEYS)", "import re\nKEYS = ['a', 'b']"),
        check("return [w for w in response.split() if (n := len(w)) > 3 and n < 9] != []"),
        check("return bool(json.loads(response))", "import json"),
        check("import re\n    return re.search('a', response)"),
        check("return response.translate({97: None}) == ''"),
        check("return string.punctuation[0] in response", "import string"),
    ],
)
def test_proved_harmless(source: str) -> None:
    program = read(source)
    assert (program.problem, program.alone) == ("", "")
    assert program.shared


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (check("global n\n    n = 1\n    return True"), "Global"),
        (
            check("def f():\n        nonlocal x\n        x = 2\n    x = 1\n    f()\n    return True"),
            "Nonlocal",
        ),
        (check("return eval('1')"), "eval"),
        (check("exec('x = 1')\n    return True"), "exec"),
        (check("return open('x')"), "open"),
        (check("return _verif_responses"), "_verif_responses"),
        (check("return response.__class__"), "__class__"),
        (check("re.search = None\n    return True", "import re"), "attribute"),
        (check("return True", "import os"), "os"),
        (check("return random.random() > 2", "import random"), "random"),
        (check("return True", "from re import *"), "everything"),
        (check("while True:\n        pass"), "While"),
        (check("return True", "class A:\n    x = []"), "ClassDef"),
        (check("return getattr(response, 'upper')()"), "getattr"),
        (check("return unknown_name"), "unknown_name"),
        (check("return True", ALONE_MARK), "marked"),
        ("def _verif_x(i, r):\n    return True\ncheck_following = _verif_x", "_verif_x"),
        (check("yield True"), "Yield"),
        (check("with response:\n        return True"), "With"),
        (check("return True", "@print\ndef f(): pass"), "decorator"),
        (check("del response\n    return True"), "Del"),
        (check("return True", "import os.path"), "os.path"),
        (check("return True", "from . import x"), "relatively"),
        ("async def check_following(i, r):\n    return True", "does not parse|defines no"),
    ],
)
def test_runs_alone(source: str, why: str) -> None:
    program = read(source)
    assert not program.shared
    assert any(part in program.alone + program.problem for part in why.split("|"))


@pytest.mark.parametrize(
    "source", ["def check_following(:", "", "x = 1", "a" * 70_000, "(" * 3000, "\x00", "# ünï"]
)
def test_what_cannot_be_read_says_why(source: str) -> None:
    assert read(source).problem


def test_a_fixed_namespace_holds_nothing_that_can_change() -> None:
    assert read(check("return True", "import re\nN = 3")).fixed
    assert not read(check("return True", "N = [3]")).fixed
    assert not read("def check_following(i, r, seen=[]):\n    return True").fixed
    assert not read(check("return True", "f = lambda: 1")).fixed


@pytest.mark.parametrize(
    "source",
    [
        check("return '''x\ny'''"),
        check('return "a"', '"""Doc."""'),
        "if 1:\n  x=1\n" + check("return x"),
        check("return 'a' \\\n in response"),
        check("return 'a' in response").replace("\n", "\r\n"),
        check("return '\\N{DIGIT ONE}' in response"),
        check("return f'{response:>3}' == f'{1 + 2:03d}{{}}'"),
    ],
)
def test_the_shared_text_is_the_program_that_was_proved(source: str) -> None:
    """Whatever its layout, the text that is sent reads as the source's own tree."""
    shared = read(source).shared
    assert shared
    supplied = shims.supply(ast.parse(source), alone=False)
    assert ast.dump(ast.parse(shared)) in (ast.dump(ast.parse(source)), ast.dump(supplied))


def test_walk_sees_every_node() -> None:
    tree = ast.parse(
        check(
            "return [w for w in response.split() if len(w) > 3][:2] == ['a', f'{response!r:>3}']", "import re"
        )
    )
    assert {id(node) for node in walk(tree)} == {id(node) for node in ast.walk(tree)}


def test_a_name_is_sent_as_python_reads_it() -> None:
    assert "\uff4c" not in read(check("return \uff4cen(response) > 2")).shared
    dynamic = read(check("return \uff45xec('x = 1')"))
    assert "exec" in dynamic.alone + dynamic.problem


@pytest.mark.slow
def test_what_is_remembered_of_sources_is_bounded_by_bytes() -> None:
    """Sources come from clients of the service: 16,384 of 64 kB would be a gigabyte."""
    read.cache_clear()
    for number in range(2_000):
        read(f"# {number}\n" + "x" * (MAX_SOURCE + 1_000))  # refused at once, and kept
    assert read.kept.bytes <= read.most < 200 << 20
    assert 100 < len(read.kept) < 2_000
    read.cache_clear()
