"""One git helper: a failure is an answer or an error, never mistaken for an empty output, and shows no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.errors import SetupError
from verif.system.git import ask, git


def test_a_failure_is_told_apart_from_an_empty_answer(tmp_path: Path) -> None:
    outside = ask(tmp_path, "status", "--porcelain", env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert not outside.ok
    assert outside.output == ""
    assert "not a git repository" in outside.complaint
    git(tmp_path, "init", "-q")
    assert ask(tmp_path, "status", "--porcelain").ok


def test_an_error_names_the_command_and_hides_the_password(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(SetupError) as raised:
        git(tmp_path, "fetch", f"file://user:hunter2-own@{tmp_path}/nowhere")
    assert "git fetch in" in raised.value.message
    assert "hunter2-own" not in str(raised.value)


def test_bytes_that_are_no_text_arrive_whole(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "caf\udce9").write_text("")
    listed = ask(tmp_path, "ls-files", "--others", "-z").output
    assert listed == "caf\udce9\0"


def test_no_git_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git cannot be started" in ask(tmp_path, "status").complaint
    with pytest.raises(SetupError, match="git cannot be started"):
        git(tmp_path, "status")


def test_a_git_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 5\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert ask(tmp_path, "status", timeout_s=0.2).complaint == "no answer within 0.2 s"
