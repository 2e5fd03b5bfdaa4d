"""Git as the project asks it: one helper. `ask` takes a failure as an answer, `git` makes it an error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.errors import SetupError
from verif.system.disclosure.masking import mask

ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """`output` is whole and empty after a failure; `complaint` is then git's last line, without secrets."""

    ok: bool
    output: str
    complaint: str = ""

    @property
    def text(self) -> str:
        """The output without blanks at its ends."""
        return self.output.strip()


def ask(
    root: Path, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float | None = ANSWER_S
) -> GitAnswer:
    """What git answers in `root`, for callers that do not depend on a repository. Raises nothing.

    Bytes that are not UTF-8 come as lone surrogates (`surrogateescape`). No time limit with None.
    """
    line, variables = ["git", *arguments], {**os.environ, **(env or {})}
    try:
        done = subprocess.run(
            line, cwd=root, env=variables, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return GitAnswer(False, "", f"no answer within {timeout_s:g} s")
    except OSError as error:
        return GitAnswer(False, "", f"git cannot be started: {error.strerror}")
    if done.returncode == 0:
        return GitAnswer(True, done.stdout.decode("utf-8", "surrogateescape"))
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
    return GitAnswer(False, "", mask(last[0]))


def git(root: Path, *arguments: str) -> str:
    """What git answers, without blanks at its ends; its complaint is a `SetupError`. May take its time, as a clone does."""
    answer = ask(root, *arguments, timeout_s=None)
    if not answer.ok:
        raise SetupError(f"git {arguments[0]} in {root} failed: {answer.complaint}")
    return answer.text
