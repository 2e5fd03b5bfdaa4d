"""The version is one everywhere, and the changelog says what it brought and when."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import verif


def test_the_version_is_one_and_has_a_dated_section(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert verif.__version__ == version
    newest = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == version
