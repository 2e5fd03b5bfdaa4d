"""What is proved is what runs: texts that are sent, f-strings, what Python refuses, and sources that attack their reader."""

import ast
import random
import runpy
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest

from verif.core.sandbox import faithful, purity, syntax
from verif.core.sandbox.hostile_sources import PROOF, READER, REFUSED
from verif.core.sandbox.program import read
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

P, F, E = Status.PASS, Status.FAIL, Status.ERROR
FUZZ = runpy.run_path(str(Path(__file__).parents[2] / "fuzz" / "proof.py"))


def check(body: str, before: str = "") -> str:
    return f"{before}\ndef check_following(instruction, response):\n    {body}\n"


def read_f_strings(number: int) -> Counter[str]:
    rng, counts = random.Random(13), Counter[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(number):
            FUZZ["examine"](FUZZ["fstring"](rng), counts)
    return counts


@pytest.mark.slow
def test_thousands_of_random_f_strings_are_sent_as_they_were_read() -> None:
    counts = read_f_strings(2_000)
    assert counts["shared"] > 200
    assert counts["unparse_differs"] > 30, "no f-string was generated that `ast.unparse` gets wrong"


def test_the_fuzzer_would_find_a_text_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is read again and nothing is refused, as before, it does not take a thousand tries."""
    monkeypatch.setattr(faithful, "rewritten", lambda t: (ast.unparse(t), t, syntax.walk(t)))
    for wall in ("misread", "exotic"):
        monkeypatch.setattr(faithful, wall, lambda nodes: "")
    read.cache_clear()
    with pytest.raises(AssertionError, match="sent text"):
        read_f_strings(2_000)
    read.cache_clear()


@pytest.mark.parametrize(
    ("one", "other"),
    [("x = 0.0", "x = -0.0"), ("1", "1.0"), ("1", "True"), ("'a'", "b'a'"), ("1j", "1.0"), ("f'{x:a}'", "f'{x:b}'"),
     ("f(a=1)", "f(b=1)"), ("x", "y"), ("x = 1", "x = 1; y = 2"), ("x + 1", "x - 1"), ("'\\ud800'", "'?'"),
     ("f'{x!r}'", "f'{x}'")],
)  # fmt: skip
def test_trees_that_differ_are_told_apart(one: str, other: str) -> None:
    assert faithful.same(ast.parse(one), ast.parse(one))
    assert not faithful.same(ast.parse(one), ast.parse(other))


@pytest.mark.parametrize(
    ("written", "sent", "meant"),
    [
        ("len(response.split()) > 1", "_verif_count(response) > 1", True),
        ("len(response.split()) > 1", "_verif_count(secret) > 1", False),
        ("len(response.split()) > 1", "_verif_count(response) > 2", False),
        ("re.search('a', f(x), re.I)", "_verif_search('a', f(x), re.I)", True),
        ("re.search('a', f(x), re.I)", "_verif_search('a', f(y), re.I)", False),
        ("re.search('a', f(x))", "exec('a', f(x))", False),
        ("g('a')", "g('b')", False),
    ],
)
def test_rewriting_may_only_put_our_functions_where_they_belong(written: str, sent: str, meant: bool) -> None:
    assert faithful.same(ast.parse(written), ast.parse(sent), purity.HARNESS) is meant


def test_code_in_a_format_is_an_error_that_says_so() -> None:
    for source in PROOF[:20]:
        assert "f-string" in read(source).problem


@pytest.mark.parametrize(
    "body",
    [
        "return f'{response:{len(instruction)}}' == 'a'",
        "return f'{[w for w in response]!r}' == 'a'",
        "return f'{response=}' == 'a'",
    ],
)
def test_unusual_f_strings_run_alone_or_as_python_reads_them(body: str, sandbox: Sandbox) -> None:
    program = read(check(body))
    assert program.alone or program.shared
    assert [row[0].status for row in sandbox.check_group("", [check(body)], ["a"])] in ([F], [P])


@pytest.mark.parametrize("source", REFUSED[:30])
def test_what_python_does_not_compile_is_an_error_that_says_so(source: str) -> None:
    problem = read(source).problem
    assert "does not compile" in problem or "does not parse" in problem


def test_a_name_that_only_the_harness_imports_is_not_there(sandbox: Sandbox) -> None:
    (row,) = sandbox.check_group("", [check("return re.search('', response) is not None")], ["a"])
    assert row[0].status is E
    assert row[0].reason.startswith("NameError: name 're' is not defined")


@pytest.mark.slow
def test_no_source_ends_its_reader_or_takes_its_time(sandbox: Sandbox) -> None:
    good = check("return 'a' in response")
    for source in READER:
        started = time.process_time()
        program = read(source)
        assert time.process_time() - started < 2, source[:80]  # `import re,re,...` took 22 s
        (row,) = sandbox.check_group("", [good, source, good.replace("'a'", "'b'")], ["a"])
        assert [row[0].status, row[2].status] == [P, F]
        assert row[1].status is F or (row[1].status is E and row[1].reason)
        assert program.problem == "" or row[1].reason == program.problem


@pytest.mark.slow
def test_reading_takes_time_in_proportion_to_length() -> None:
    def seconds(times: int) -> float:
        read.cache_clear()
        started = time.process_time()
        assert read("import " + ",".join(["re"] * times) + check("return True")).shared
        return time.process_time() - started

    seconds(100)
    short, long = min(seconds(2_000) for _ in range(3)), min(seconds(16_000) for _ in range(2))
    assert long < 40 * short + 0.05  # eight times as long; quadratic reading takes 64 times


def test_a_source_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=r"<checker>")
        assert read(check("assert (response, '\\d')\n    return 'unique' in response")).shared


def test_depth_is_bounded_alike_from_any_caller() -> None:
    def deeper(n: int, source: str) -> str:
        return deeper(n - 1, source) if n else read(source).problem

    for times in (100, 130, 350):
        source = check("return str.upper(response) == " + "+".join(["'a'"] * times))
        read.cache_clear()
        first = read(source).problem
        read.cache_clear()
        assert deeper(300, source) == first
        assert bool(first) is (times > 110)
