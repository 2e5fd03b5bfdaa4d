"""The page of the Python library and every dotted name of verif in a document exist in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import verif

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")]
)
#: `verif.core.rules.validate` in backticks, perhaps called; names of the changelog's table are of the past.
NAMED = re.compile(r"`(verif(?:\.[A-Za-z_]\w*)+)[:(`]")
#: What begins like a name and is none: groups of entry points, a recipe's or a run's tags.
NO_CODE = (
    "verif.rules",
    "verif.formulas",
    "verif.prompts",
    "verif.benchmarks",
    "verif.git.withheld",
    "verif.git.left_out",
)


def defined(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a module or a class defines or imports, by name."""
    names: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name: node for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return names


def resolves(name: str) -> bool:
    """As a module, or as what stands in one; nothing is imported."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:end])
        file = next((f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)
        if file is None:
            continue
        body, rest = ast.parse(file.read_text("utf-8")).body, parts[end:]
        while rest:
            if end == 1 and rest[0] in verif.__all__:
                return True
            node = defined(body).get(rest.pop(0))
            if node is None:
                return False
            body = getattr(node, "body", [])
        return True
    return base.is_dir()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_dotted_names_of_a_page_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    if page.name == "CHANGELOG.md":
        text = re.sub(r"^ *\|.*$", "", text, flags=re.MULTILINE)
    wrong = [name for name in NAMED.findall(text) if name not in NO_CODE and not resolves(name)]
    assert not wrong, wrong


def test_every_public_name_has_its_place_and_its_words() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    for name in verif.__all__:
        (entry,) = [part for part in page.split("\n### ") if part.startswith(f"`{name}`\n")]
        assert len(entry.split()) > 4, name


def test_a_name_that_is_gone_is_found() -> None:
    assert resolves("verif.core.once.verify")
    assert not resolves("verif.core.once.verify_all")
    assert not resolves("verif.gone")
