"""The engine never decides otherwise than CPython: generated expressions and checkers, and every difference once seen."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from verif.core.sandbox.program import read
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

P, F, E = Status.PASS, Status.FAIL, Status.ERROR


@pytest.fixture(scope="module")
def engine(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_engine", root / "tests" / "fuzz" / "engine.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_expressions_match_as_in_python(engine: ModuleType) -> None:
    counts, found = engine.compare_patterns(1, 80)
    assert found == []
    assert counts["refused"] < counts["answers"] / 10


@pytest.mark.slow
def test_generated_checkers_decide_as_in_python(engine: ModuleType, sandbox: Sandbox) -> None:
    counts, found = engine.compare_checkers(sandbox, engine.make_checkers(1, 25), 1, texts=3)
    assert found == []
    assert counts["refused"] < counts["verdicts"] / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_more_generated_expressions(engine: ModuleType, seed: int) -> None:
    assert engine.compare_patterns(seed, 2_000)[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_more_generated_checkers(engine: ModuleType, sandbox: Sandbox, seed: int) -> None:
    assert engine.compare_checkers(sandbox, engine.make_checkers(seed, 300), seed, texts=3)[1] == []


def test_the_comparison_would_see_the_engines_own_answers(
    engine: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the translation the same expressions differ."""
    own = "import re\n" + "".join(
        f"_verif_{name} = re.{name}\n"
        for name in ("search", "match", "fullmatch", "findall", "finditer", "split", "sub", "compile")
    )
    monkeypatch.setattr(engine, "HELPERS", own + "_verif_subn = None\n")
    assert len(engine.compare_patterns(1, 100)[1]) > 20


def check(body: str, head: str = "import re") -> str:
    return f"{head}\ndef check_following(instruction, response):\n    {body}\n"


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("body", "response", "status"),
    [
        ("return len(response.split()) == 2", "a\x1cb", P),
        ("return f'{len(response.split())=}' == 'len(response.split())=1'", "a", P),
        ("return f'{re.search(\"a\", response)=}'.startswith('re.search(')", "a", P),
        (r"return bool(re.search(r'\<', response))", "<", P),
        ("return bool(re.search('a$', response))", "a\n", P),
        (r"return bool(re.search(r'a\Z', response))", "a\n", F),
        (r"return bool(re.search(r'\w', response, re.ASCII))", "é", F),
        (r"return bool(re.search(r'(?a)\w', response))", "é", F),
        ("return re.findall('a*', 'baac') == ['', 'aa', '', '']", "", P),
        ("return re.split('x*', 'axbc') == ['', 'a', '', 'b', 'c', '']", "", P),
        ("return re.sub('x*', '-', 'abxd') == '-a-b--d-'", "", P),
        ("return re.sub('a', r'\\n', response) == chr(10)", "a", P),
        ("return re.sub('a', lambda m: m.group() * 2, response) == 'aa'", "a", P),
        ("return bool(re.search('[a&&b]', response))", "&", P),
        ("return bool(re.search('[[a]', response))", "[", P),
        (r"return bool(re.search(r'\w', response))", "²", P),
        (r"return bool(re.search(r'\w', response))", "\u0301", F),
        ("return bool(re.search('(?i)i', response))", "İ", P),
        (r"return re.search(r'\z', response) is None", "z", E),
        ("return re.findall('(a){0}b', response) == ['']", "b", E),
        ("return bool(re.search('a', response, re.VERBOSE))", "a", P),
        ("return hasattr(response, 'lower') and not hasattr(response, 'append')", "", P),
        ("return round(2.675, 2) == 2.67", "", P),
        ("return 'abab'.find('', 10) == -1 and not 'abc'.startswith('', 4)", "", P),
        ("return list({3, 1, 2}) == [1, 2, 3]", "", P),
        ("return '%s' % {3, 1, 2} == ''", "", E),
        ("return {3, 1, 2}.pop() == 1", "", E),
        ("return str(re.compile('a')) == ''", "", E),
        ("return list({10, 1, 30}) == [10, 1, 30]", "", E),
        ("return any(int(w) > 3 for w in ['5', 'x'])", "", E),
        ("try:\n        return any(int(w) > 3 for w in ['5', 'x'])\n    except ValueError:\n        return 0", "", P),
        ("try:\n        return int('١') == 1\n    except ValueError:\n        return False", "", E),
        ("try:\n        return ''.islower(1)\n    except TypeError:\n        return True", "", E),
        ("try:\n        return bool(re.search('(', response))\n    except re.error:\n        return True", "", P),
        ("seen = set()\n    return any(w in seen or seen.add(w) for w in response.split())", "a b a", P),
        ("counts = {'a': 2, 'b': 1}\n    return max(counts, key=counts.get) == 'a'", "", P),
    ],
)  # fmt: skip
def test_what_the_engine_has_otherwise_is_right_or_an_error(
    sandbox: Sandbox, body: str, response: str, status: Status, alone: bool
) -> None:
    source = check(body) + ("\nclass Alone:\n    pass\n" if alone else "")
    assert sandbox.check_group("", [source], [response])[0][0].status is status


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return filter(None, [])", "filter"), ("return map(str.lower, [])", "map"), ("return (w for w in [])", "generator"),
        ("return bool(zip([], []))", "zip"), ("return len(reversed([]))", "reversed"),
        ("x = map(len, [])\n    return x == []", "map"),
        ("class A:\n        __bool__ = lambda self: False\n    return A()", "__bool__|Assign"),
        ("class A:\n        def __ne__(self, other):\n            return False\n    return A() != 1", "__ne__"),
        ("class A:\n        pass\n    A.__bool__ = lambda self: False\n    return A()", "__bool__"),
        ("return getattr(response, 'lower', None) is None", "getattr"), ("return id(response) == 3", "id"),
        ("return response.unheard_of()", "unheard_of"), ("return response.replace('a', 'b', count=1) == ''", "count"),
        ("try:\n        return True\n    finally:\n        return False", "finally"),
        ("try:\n        assert 0, 'm'\n    except AssertionError as e:\n        return str(e) == 'm'", "error"),
        ("return 'a' is 'a'", "'is'"), ("x = {1: 'a', True: 'b'}\n    return str(x) == ''", "keys"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_right_is_refused_with_its_reason(body: str, why: str) -> None:
    problem = read(check(body)).problem
    assert any(part in problem for part in why.split("|"))


def test_a_name_that_python_does_not_know_is_no_pass(sandbox: Sandbox) -> None:
    hidden = check("return bool(re.search('a', response))", "def f():\n    import re")
    for source in (hidden, check("return bool(re.search('a', response))", "")):
        assert sandbox.check_group("", [source, check("return True")], ["a"])[0][0].status is E


def test_characters_newer_than_python_are_an_error_and_not_a_guess(sandbox: Sandbox) -> None:
    source = check("return response.isalpha()")
    rows = sandbox.check_group("", [source], ["\U00031350", "a"])
    assert [row[0].status for row in rows] == [E, P]
