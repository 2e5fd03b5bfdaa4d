"""The guides are done as they say: their files are written, their commands run, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(?:# (\S+)\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
SEEN = {
    "build.md": ("2 rows", "1 empty", "0 calls", "followed │       2 │      2 │ 1.000"),
    "files.md": ("punctuation:no_comma", "mean 0.5", "pass@2", "1. punctuation:no_comma: strict pass", "2 1 False ['1 commas']"),
    "own-rule.md": ("team:greets", "does not greet"),
    "own-benchmark.md": ("1 Write a haiku about the sea.", "2 Write a haiku about rain."),
    "integrations.md": ("[1.0, 0.0]",),
}  # fmt: skip
"""Guide to what its commands and scripts say."""


def ran(folder: Path, line: str) -> str:
    words = [sys.executable if word == "python" else word for word in shlex.split(line)]
    if words[0] == "verif":
        words = [sys.executable, "-m", "verif", *words[1:]]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}: {done.stderr[-1500:]}"
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN)
def test_a_guide_does_what_it_says(tmp_path: Path, name: str) -> None:
    page, told = (ROOT / "docs" / name).read_text("utf-8"), ""
    assert len(page.splitlines()) <= 90, "a guide is at most one page"
    (tmp_path / "plugins").mkdir()
    for language, file, text in BLOCK.findall(page):
        if file:
            (tmp_path / file).write_text(text, "utf-8")
        elif language == "sh":
            told += "".join(ran(tmp_path, line) for line in text.splitlines())
        elif language == "python":
            (tmp_path / "block.py").write_text(text, "utf-8")
            told += ran(tmp_path, "python block.py")
    for part in SEEN[name]:
        assert part in told, told
