"""Git's answers, read only. A failure is an empty answer: what asks here does not depend on a repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(root: Path, *arguments: str, whole: bool = False, env: Mapping[str, str] | None = None) -> str:
    """A git answer, or an empty string outside a repository. `whole` keeps blanks at its ends, as a patch needs.

    Bytes that are not UTF-8 come as lone surrogates (`surrogateescape`).
    """
    line, variables = ["git", *arguments], {**os.environ, **(env or {})}
    try:
        done = subprocess.run(line, cwd=root, env=variables, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode:
        return ""
    said = done.stdout.decode("utf-8", "surrogateescape")
    return said if whole else said.strip()
