"""A checker that raises, hangs, prints or ends is counted as such, and never as a verdict."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from verif.audit.conform.compare import PATIENCE, cases
from verif.audit.conform.published import Question
from verif.audit.conform.targets import opened, said
from verif.core.rows import Where
from verif.errors import InputError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{HERE.parents[2]}")


def asked(*responses: str) -> list[Question]:
    return [
        Question(Where("f", n), "punctuation:no_comma", {}, "Say it.", text, "," not in text)
        for n, text in enumerate(responses, 1)
    ]


def kinds(target: str, *responses: str, timeout: float = 5.0, loose: bool = False) -> list[str]:
    checker = opened(target, timeout)
    try:
        return [case.said.kind for case in cases(asked(*responses), checker, loose=loose)]
    finally:
        checker.close()


@pytest.mark.slow
def test_each_failure_is_its_own_kind_and_the_next_question_is_asked() -> None:
    seen = kinds("checkers:faulty", "a", "raise", "exit", "die", "a, b", "text", "hang", "a", timeout=0.7)
    assert seen == ["followed", "raised", "raised", "ended", "not followed", "raised", "hung", "followed"]


def test_what_a_checker_prints_is_counted_and_decides_nothing() -> None:
    checker = opened("checkers:faulty", 5.0)
    told = [case.said.kind for case in cases(asked("print", "print, more", "a"), checker)]
    checker.close()
    assert told == ["followed", "not followed", "followed"]
    assert checker.printed == 2


def test_a_checker_that_keeps_ending_is_not_asked_for_ever() -> None:
    seen = kinds("checkers:faulty", "a", *["die"] * (PATIENCE + 2))
    assert seen == ["followed", *["ended"] * PATIENCE, "not asked", "not asked"]


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("no_such_module:check", "cannot be imported: ModuleNotFoundError"),
        ("checkers:missing", "cannot be imported: AttributeError"),
        ("/no/such/command", "cannot be started"),
        ("sh -c 'echo broken >&2; exit 1'", "ended before its first answer: broken"),
        ("'", "no command line"),
        (" ", "no target"),
        ("http://", "no URL with a host"),
        ("http://127.0.0.1:9/x", "does not answer"),
    ],
)
def test_a_target_that_cannot_work_is_one_clear_error(target: str, part: str) -> None:
    with pytest.raises(InputError, match=part):
        kinds(target, "a")


def test_a_command_answers_lines_by_their_number(tmp_path: Path) -> None:
    script = tmp_path / "checker.py"
    script.write_text(
        "import json, sys\n"
        "print('ready')\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    answer = None if asked['response'] == '?' else ',' not in asked['response']\n"
        "    print(json.dumps({'id': asked['id'], 'followed': answer}), flush=True)\n"
    )
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"
    long = "word " * 200_000  # more than a pipe holds
    assert kinds(command, "a", "a, b", "?", long) == ["followed", "not followed", "unknown", "followed"]


@pytest.mark.slow
def test_what_a_checker_started_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    assert kinds("checkers:starts_another", str(pid), timeout=0.5) == ["hung"]
    stat = Path(f"/proc/{pid.read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("loose", [False, True])
def test_loose_verdicts_are_made_of_variants(loose: bool) -> None:
    seen = kinds("checkers:no_commas", "Well, here it is:\nGrey\n", "a, b\na, b\na, b", loose=loose)
    assert seen == ["followed" if loose else "not followed", "not followed"]


class Replies(BaseHTTPRequestHandler):
    """Answers as the response asks for."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = asked["response"]
        body = {"noise": b"<html>", "bare": b"true", "null": b"null", "text": b'"yes"'}.get(
            said, json.dumps({"followed": "," not in said}).encode()
        )
        if said == "slow":
            time.sleep(4)
        self.send_response(500 if said == "broken" else 200)
        self.send_header("Content-Length", str(2 << 20 if said == "long" else len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the asker has had enough
            self.wfile.write(b"x" * (2 << 20) if said == "long" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replies)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/check"
    server.shutdown()


@pytest.mark.slow
def test_a_url_is_asked_and_each_failure_counted(address: str) -> None:
    said_to = ("a", "a, b", "bare", "null", "noise", "text", "broken", "long", "slow", "a")
    assert kinds(address, *said_to, timeout=2.0) == [
        "followed", "not followed", "followed", "unknown", "raised", "raised", "raised", "raised", "hung", "followed",
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [1, 0, "true", [], {"followed": 1}, {"followed": "no"}, {"other": True}])
def test_only_true_false_and_null_are_verdicts(answer: object) -> None:
    assert said(("answer", answer)).kind == "raised"
