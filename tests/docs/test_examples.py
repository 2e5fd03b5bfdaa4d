"""What the library's documentation shows is run: the examples in docstrings, and the files of `examples/`."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from verif.core import rules
from verif.core.reward import _REGISTERED
from verif.core.rules import registry

DOCUMENTED = (
    "verif.core.once", "verif.core.score", "verif.core.row_files", "verif.service.build", "verif.core.rules.registry",
    "verif.core.reward",
)  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules.rules()
    monkeypatch.chdir(root)
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    monkeypatch.setattr("verif.core.reward._REGISTERED", dict(_REGISTERED))
    module = importlib.import_module(name)
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("score_a_file.py", "examples/rows.jsonl"), "1: followed\n2: 2 commas"),
        (("own_rule.py",), "1.0 greets Ada\n0.0 does not greet Ada"),
        (("recipe_verifier.py", "verinstruct-tiny"), "[1.0, 0.0]"),
    ],
)
def test_examples_run_and_are_short(line: tuple[str, ...], said: str, root: Path) -> None:
    file = root / "examples" / line[0]
    assert len(file.read_text("utf-8").splitlines()) <= 40
    done = subprocess.run(
        [sys.executable, str(file), *line[1:]], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == said, done.stderr[-1000:]


def test_every_documented_name_is_there_and_has_words() -> None:
    import verif

    for name in verif.__all__:
        assert getattr(verif, name).__doc__ or name in ("Constraint",), name


def test_the_package_runs_as_a_module(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "verif", "--version"], env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == f"verif {importlib.import_module('verif').__version__}"
