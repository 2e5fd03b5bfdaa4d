"""The reference says what the code says, and what messages and documents name exists."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from verif.cli.app import COMMANDS, app, overview
from verif.system.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("verif", "flows", "scripts", "infra", "tests", "benchmarks")
NAMED = re.compile(r"\bVERIF_[A-Z][A-Z0-9_]*\b")


@pytest.mark.slow
def test_the_reference_is_what_the_code_says():
    line = [sys.executable, "scripts/reference.py", "--check"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_of_the_code_is_in_the_table_and_the_other_way_round():
    files = [p for place in PLACES for p in (ROOT / place).rglob("*") if p.is_file() and p.suffix != ".pyc"]
    own = ROOT / "verif" / "system" / "variables.py"
    used = {
        name
        for path in files
        if path not in (own, Path(__file__))
        for name in NAMED.findall(path.read_text("utf-8", "replace"))
    }
    known = {variable.name for variable in VARIABLES}
    assert used == known


def commands(name: str, command) -> list[str]:
    inner = getattr(command, "commands", None)
    return [name] if inner is None else [f"{name} {key}" for key in inner]


@pytest.fixture(scope="module")
def existing() -> dict[str, object]:
    """Every command line of verif, to its typer command."""
    found = {}
    for name in COMMANDS:
        top = get_command(app(name))
        inner = getattr(top, "commands", None)
        found |= {name: top} if inner is None else {f"{name} {key}": c for key, c in inner.items()}
    return found


def test_the_overview_names_every_command_of_every_group(existing):
    text = overview()
    for line in existing:
        group, _, inner = line.partition(" ")
        (shown,) = [row for row in text.splitlines() if row.startswith(f"  {group} ")]
        assert inner in shown


def test_every_command_that_a_message_or_a_document_names_exists(existing):
    """`verif WORD ...` in backticks: the command, its sub-command and its options are real ones."""
    quoted = re.compile(r"`verif ([a-z][^`\n]*)`")
    wrong = []
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *sources()]:
        text = path.read_text("utf-8")
        for told in quoted.findall(text):
            words = told.split()
            if set(words[0].split("|")) <= set(COMMANDS) and "|" in words[0]:
                continue
            if words[0] not in COMMANDS:
                wrong.append(f"{path.relative_to(ROOT)}: verif {told}")
                continue
            two = " ".join(words[:2])
            command = existing.get(two) or existing.get(words[0])
            if command is None:
                if len(words) > 1 and re.fullmatch(r"[a-z|,]+", words[1]):  # `verif verifier up|down`
                    missing = [w for w in re.split(r"[|,]", words[1]) if f"{words[0]} {w}" not in existing]
                    wrong += [f"{path.relative_to(ROOT)}: verif {words[0]} {w}" for w in missing]
                continue
            options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
            wrong += [
                f"{path.relative_to(ROOT)}: verif {told}"
                for word in words[1:]
                if (found := re.match(r"\[?(--[a-z][a-z-]*)", word)) and found[1] not in options
            ]
    assert not wrong, "\n".join(sorted(set(wrong)))


def sources() -> list[Path]:
    return [p for place in ("verif", "flows") for p in (ROOT / place).rglob("*.py")]


@pytest.mark.slow
def test_hints_name_only_options_that_some_command_has(existing):
    """An option in an error's hint, wherever it stands in the sentence, belongs to some command."""
    known = {name for c in existing.values() for p in c.params for name in (*p.opts, *p.secondary_opts)}
    known |= {"--force"}  # `dvc repro --force`
    wrong = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            for text in (n.value for n in ast.walk(node.exc) if isinstance(n, ast.Constant)):
                if isinstance(text, str):
                    wrong += [
                        f"{path.relative_to(ROOT)}: {o}"
                        for o in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
                        if o not in known
                    ]
    assert not wrong, "\n".join(sorted(set(wrong)))
