import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from verif.core.sandbox.program import read
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

P, F, E = Status.PASS, Status.FAIL, Status.ERROR


def statuses(sandbox: Sandbox, source: str, *responses: str, instruction: str = "Write.") -> list[Status]:
    return [row[0].status for row in sandbox.check_group(instruction, [source], list(responses))]


def check(body: str, before: str = "") -> str:
    return f"{before}\ndef check_following(instruction, response):\n    {body}\n"


def test_the_instruction_is_really_passed(sandbox: Sandbox) -> None:
    assert statuses(
        sandbox, check("return instruction in response"), "say tea now", "say milk", instruction="tea"
    ) == [P, F]


@pytest.mark.parametrize(
    "source",
    [
        check("return helper(response)", "def helper(text):\n    return 'a' in text"),
        check("return WORD in response", "WORD = 'a'"),
        check("return any(w in response for w in WORDS)", "WORDS = ['a', 'q']"),
        check("return bool(rx.search('a', response))", "import re as rx"),
        check("return bool(find('a', response))", "from re import search as find"),
        check("def inner(t):\n        return 'a' in t\n    return inner(response)"),
        check(
            "return count('a', response) > 0",
            "def count(c, t):\n    return 0 if not t else (t[0] == c) + count(c, t[1:])",
        ),
        check("return ok(response)", "ok = lambda text: 'a' in text"),
        check('"""Doc\nstring."""\n    return "a" in response'),
        check("return '''a\nb'''[0] in response"),
        "check_following = lambda instruction, response: 'a' in response",
        check("return Counter(response)['a'] > 0", "from collections import Counter"),
        check("if 'a' in response:\n\treturn True\n    return False").replace("\t", "        "),
        check("return 'a' in response", "from __future__ import annotations"),
        check("return 'a' in response").replace("\n", "\r\n"),
        "if True:\n    import re\n" + check("return bool(re.findall(r'a', response))"),
        check("return 'a' in response  # ünïcode — “quotes”", "é = 1"),
    ],
)
def test_what_exec_with_two_namespaces_breaks_works(sandbox: Sandbox, source: str) -> None:
    assert statuses(sandbox, source, "banana", "xyz") == [P, F]


@pytest.mark.parametrize(
    ("value", "status"),
    [("1", P), ("0", F), ("None", F), ("''", F), ("'no'", P), ("[]", F), ("[0]", P), ("0.0", F), ("(1, 2)", P),
     ("response", P), ("{}", F), ("'x' * 30000000", P), ("[response] * 1000000", P)],
)  # fmt: skip
def test_what_is_not_a_boolean_counts_by_its_truth(sandbox: Sandbox, value: str, status: Status) -> None:
    assert statuses(sandbox, check(f"return {value}"), "text") == [status]
    assert statuses(sandbox, check(f"global x\n    x = 1\n    return {value}"), "text") == [status]


def test_a_raised_error_is_an_error_with_its_reason(sandbox: Sandbox) -> None:
    result = sandbox.check_group("", [check("return response.split()[5] == 'a'")], ["one two"])[0][0]
    assert result.status is E
    assert "IndexError" in result.reason
    long = sandbox.check_group("", [check("raise ValueError('x' * 100000)")], ["one"])[0][0]
    assert len(long.reason) < 400


@pytest.mark.slow
def test_a_limit_costs_one_check(sandbox: Sandbox) -> None:
    endless = check("return sum(i for i in range(10 ** 12)) > 0")
    # room enough that time is the limit a fast machine meets first
    with Sandbox(workers=1, seconds=0.2, memory_mb=1024) as own:
        rows = own.check_group(
            "", [check("return 'a' in response"), endless, check("return 'b' in response")], ["a", "b"]
        )
        assert [[c.status for c in row] for row in rows] == [[P, E, F], [F, E, P]]
        assert "time" in rows[0][1].reason


def test_an_alone_checker_never_reaches_a_group(sandbox: Sandbox) -> None:
    state = check("global n\n    n = n + 1\n    return n == 1", "n = 0")
    assert statuses(sandbox, state, *["x"] * 4) == [P] * 4
    leak = check("global len\n    len = lambda t: 0\n    return True")
    rows = sandbox.check_group("", [leak, check("return len(response) == 3")], ["abc"] * 3)
    assert [[c.status for c in row] for row in rows] == [[P, P]] * 3


def test_a_mutable_default_is_fresh_for_every_response(sandbox: Sandbox) -> None:
    source = "def check_following(instruction, response, seen=[]):\n    seen.append(1)\n    return len(seen) == 1\n"
    assert read(source).shared
    assert statuses(sandbox, source, "a", "b", "c") == [P, P, P]


def test_a_killed_worker_costs_nothing(sandbox: Sandbox) -> None:
    with Sandbox(workers=1) as own:
        source = check("return 'a' in response")
        assert statuses(own, source, "a") == [P]
        for child in psutil.Process().children():
            if "monty" in child.name():
                os.kill(child.pid, signal.SIGKILL)
        assert statuses(own, source, "a", "b") == [P, F]
        assert own.restarts >= 1


def test_many_threads_share_it(sandbox: Sandbox) -> None:
    def work(number: int) -> list[Status]:
        return statuses(sandbox, check(f"return '{number}' in response"), f"x{number}", "y")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(64))) == [[P, F]] * 64


@pytest.mark.parametrize(
    "text", ["a\ud800", "\x00a", "", " \n\t", "a" * 2_000_000, "é🙂\u0301 שלום a", "\r\na\r"]
)
def test_any_text_gets_a_verdict(sandbox: Sandbox, text: str) -> None:
    expected = [P if "a" in text else F, P]
    rows = sandbox.check_group(
        text, [check("return 'a' in response"), check("return response == instruction")], [text]
    )
    assert [c.status for c in rows[0]] == expected


def test_a_million_words_end_in_a_verdict_or_an_error(sandbox: Sandbox) -> None:
    result = sandbox.check_group("", [check("return len(response.split()) == 1000000")], ["ab " * 1_000_000])[
        0
    ][0]
    assert result.status is P or (result.status is E and "limit" in result.reason)


def test_nothing_it_prints_reaches_us(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    assert statuses(sandbox, check("print('loud')\n    return True"), "x") == [P]
    assert statuses(sandbox, check("global q\n    print('loud')\n    return True"), "x") == [P]
    assert "loud" not in "".join(capfd.readouterr())


def test_clock_and_randomness_are_the_same_in_every_session(sandbox: Sandbox) -> None:
    for body, module in (
        ("time.time()", "time"),
        ("random.random()", "random"),
        ("datetime.datetime.now()", "datetime"),
    ):
        source = check(f"raise ValueError(str({body}))", f"import {module}")
        first, second = (sandbox.check_group("", [source], ["x"])[0][0].reason for _ in range(2))
        assert first == second
        assert first.startswith("ValueError: ")


def workers() -> set[int]:
    return {
        c.pid
        for c in psutil.Process().children()
        if "monty" in c.name() and c.status() != psutil.STATUS_ZOMBIE
    }


def test_close_ends_the_workers_and_it_starts_again() -> None:
    others = workers()
    box = Sandbox(workers=2)
    for _ in range(2):
        assert statuses(box, check("return True"), "x") == [P]
        assert workers() - others
        box.close()
        deadline = time.monotonic() + 5
        while workers() - others and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not workers() - others


def test_the_version_names_what_a_verdict_depends_on() -> None:
    assert Sandbox(seconds=1).version != Sandbox(seconds=2).version
    assert "monty-" in Sandbox().version


def test_nothing_asked_nothing_answered(sandbox: Sandbox) -> None:
    assert sandbox.check_group("", [], ["a", "b"]) == [[], []]
    assert sandbox.check_group("", [check("return True")], []) == []


def test_host_state_is_out_of_reach(sandbox: Sandbox, tmp_path: Path) -> None:
    """No thread, file or module of this process changes while hostile code runs."""
    threads, modules = threading.active_count(), set(os.environ)
    statuses(sandbox, check(f"open({str(tmp_path / 'x')!r}, 'w')\n    return True"), "x")
    assert not list(tmp_path.iterdir())
    assert threading.active_count() <= threads + 2
    assert set(os.environ) == modules
