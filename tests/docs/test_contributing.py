"""CONTRIBUTING.md is done as it says: its blocks are carried out in a copy of the project, one section at a time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("A rule", "A benchmark", "An attack", "A judge prompt", "A recipe", "A stage")
FOLDERS = ("verif", "flows", "tests", "recipes", "plugins", "scripts", "docs")
FILES = ("dvc.yaml", "params.yaml", "pyproject.toml")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: `# verif/x.py` makes a file; `# verif/x.py, at the end` and `# dvc.yaml, before "plots:"` change one.
PLACE = re.compile(r'# ([\w./-]+\.(?:py|yaml|toml))(?:, (at the end|before "(.+)"))?\n')


def blocks(section: str) -> list[tuple[str, str]]:
    """Language and text of a section's fenced blocks, in their order."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (text,) = [part for part in page.split("\n## ") if part.startswith(f"{section}\n")]
    return BLOCK.findall(text)


def carry_out(block: str, project: Path) -> None:
    """Write or change the file that the block's first line names."""
    place = PLACE.match(block)
    assert place, f"the first line names no file: {block.splitlines()[0]}"
    path, text = project / place[1], block[place.end() :]
    if not place[2]:
        assert not path.exists(), f"{place[1]} is there already"
        path.write_text(text)
        return
    old = path.read_text("utf-8")
    if place[2] == "at the end":
        path.write_text(f"{old}\n\n{text}")
        return
    assert old.count(f"\n{place[3]}") == 1, f"{place[1]} has no single line that begins with {place[3]}"
    path.write_text(old.replace(f"\n{place[3]}", f"\n{text}\n{place[3]}"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    local = tmp_path / "recipes" / "local.yaml"
    small = "".join(f"\n  {rows}: 100" for rows in ("train", "policy_pairs", "judge_pairs"))
    local.write_text(local.read_text("utf-8").replace("kind: world", f"kind: world{small}", 1))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_the_steps_work(section: str, project: Path) -> None:
    scripts = Path(sys.executable).parent
    env = os.environ | {"PYTHONPATH": str(project), "PATH": f"{scripts}:{os.environ['PATH']}"}
    for language, text in blocks(section):
        if language != "sh":
            carry_out(text, project)
            continue
        line = ["sh", "-e", "-c", text]
        done = subprocess.run(
            line, cwd=project, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_each_section_makes_something_and_tries_it() -> None:
    for section in SECTIONS:
        found = blocks(section)
        assert found[-1][0] == "sh", f"{section} ends with a command that shows that it works"
        for language, text in found:
            if language == "python":
                compile(text, section, "exec")
                assert PLACE.match(text), text
