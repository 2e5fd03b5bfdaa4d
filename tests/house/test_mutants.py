"""`make mutants`: its table fits the code, and it tells killed from survived from neither."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from benchmarks import mutants
from benchmarks.mutants_table import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_every_mutant_is_one_change_that_python_reads_and_names_tests_that_are_there(
    mutant: Mutant, root: Path
) -> None:
    spoilt = mutants.spoil(mutant, root)
    assert ast.dump(ast.parse(spoilt)) != ast.dump(ast.parse((root / mutant.file).read_text()))
    for test in mutant.tests.split():
        file, _, name = test.partition("::")
        assert f"def {name}" in (root / file).read_text()


def test_a_line_that_is_not_there_once_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    with pytest.raises(ValueError, match=r"a\.py: twice: the text stands there 2 times"):
        mutants.spoil(Mutant("twice", "a.py", "x = 1", "x = 2", ""), tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "verif").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "verif" / "a.py").write_text(
        "def double(x):\n    return 2 * x\n\n\ndef half(x):\n    return x / 2\n"
    )
    (tmp_path / "tests" / "test_a.py").write_text(
        "from verif.a import double\n\n\ndef test_double():\n    assert double(3) == 6\n"
    )
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


ONE = Mutant("no doubling", "verif/a.py", "2 * x", "3 * x", "tests/test_a.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("2 * x", "3 * x", "killed"), ("x / 2", "x / 3", "survived"), ("2 * x", "2 *", "undecided")],
)
def test_the_outcome_is_what_the_tests_say_and_the_tree_stays_as_it_was(
    tree: Path, old: str, new: str, said: str
) -> None:
    before = (tree / "verif" / "a.py").read_bytes()
    assert mutants.outcome(Mutant("x", "verif/a.py", old, new, "tests/test_a.py"), tree) == said
    assert (tree / "verif" / "a.py").read_bytes() == before


def test_what_is_known_is_not_run_again_until_the_code_changes(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def noticed(root: Path, tests: object) -> str:
        asked.append(root)
        return "killed" if "3 * x" in (root / "verif" / "a.py").read_text() else "survived"

    monkeypatch.setattr(mutants, "noticed", noticed)
    for runs in (2, 2):  # once as it is, once spoilt; then from what is kept
        assert mutants.run([ONE], tree) == {ONE.name: "killed"}
        assert len(asked) == runs
    assert tree not in asked, "the working tree itself is never spoilt"
    (tree / "tests" / "test_a.py").write_text("")
    mutants.run([ONE], tree)
    assert len(asked) == 4


def test_tests_that_fail_anyway_decide_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "noticed", lambda root, tests: "killed")
    assert mutants.run([ONE], tree) == {ONE.name: "undecided"}
