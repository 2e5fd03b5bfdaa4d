"""A test lies where what it tests lies: `tests/<package>/` for `verif/<package>/`."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is not one package of `verif`: other folders of the project, the whole of it, and what tests share.
OTHERS = {"docs", "e2e", "flows", "fuzz", "house", "infra", "support"}


def folders(start: Path) -> set[str]:
    """Folders with Python below a folder, as paths relative to it."""
    return {
        p.parent.relative_to(start).as_posix() for p in start.rglob("*.py") if "__pycache__" not in p.parts
    }


def test_every_folder_of_tests_has_its_package() -> None:
    packages = folders(ROOT / "verif")
    tested = {p.parent.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    strangers = {f for f in tested - {"."} if f.split("/")[0] not in OTHERS} - packages
    assert not strangers, f"no such package under verif/: {sorted(strangers)}"


def test_every_package_has_tests() -> None:
    tested = {folder.split("/")[0] for folder in folders(ROOT / "tests")}
    packages = {folder.split("/")[0] for folder in folders(ROOT / "verif")} - {"."}
    assert packages - tested <= {"cli"}, "the command line is tested where its commands' work is"


def test_benchmarks_import_nothing_of_the_tests() -> None:
    for path in (ROOT / "benchmarks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            names = {a.name for a in node.names} if isinstance(node, ast.Import) else {module or ""}
            assert not any(n.split(".")[0] in ("tests", "support") for n in names), path
