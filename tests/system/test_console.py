"""Whatever stands in a name, text or reason: it is shown, does nothing to the terminal, and ends no command."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from rich.table import Table
from typer.testing import CliRunner

from verif.cli.app import app
from verif.system.console import Console, described
from verif.system.files import digest

HOSTILE = [
    "[/b]",
    "[b]",
    "[/]",
    "a[/b]c",
    "[link=x]",
    "[red",
    "\\[/b]",
    ":smile:",
    "[@click=x]",
    "[bold red]x[/bold]",
]
SENDS = ["\x1b[2J", "\x9b31m", "\x07", "\r", "\u202e", "\ud800", "\x00", "\x7f"]
SURROGATE = "\ud800[/b]\x1b[2J"
CHECK = "def check_following(instruction, response):\n    return 'a' in response\n"


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_lines_cells_titles_and_bars_is_shown_as_it_is(text: str) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    console.print(text)
    table = Table("column", title=text)
    table.add_row(text)
    console.print(table)
    with Progress(described(), console=Console(file=screen, width=200, force_terminal=True)) as bar:
        bar.add_task(text, total=1)
    assert screen.getvalue().count(text) >= 4


@pytest.mark.parametrize("text", SENDS)
def test_what_would_act_on_a_terminal_is_shown_as_an_escape(text: str) -> None:
    screen = io.StringIO()
    table = Table("column", title=f"t{text}")
    table.add_row(f"c{text}")
    console = Console(file=screen, width=200)
    console.print(f"l{text}", table)
    assert text not in screen.getvalue().replace("\r\n", "\n")
    assert screen.getvalue().count(ascii(text)[1:-1]) == 3


@pytest.mark.slow
def test_no_other_console_is_used(root: Path) -> None:
    for path in [*root.glob("verif/**/*.py"), *root.glob("flows/**/*.py")]:
        if path == root / "verif" / "system" / "console.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich"):
                names = {alias.name for alias in node.names}
                assert not names & {
                    "Console",
                    "print",
                    "get_console",
                    "TextColumn",
                    "escape",
                    "track",
                    "inspect",
                }, path
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("rich") for alias in node.names), path
            elif isinstance(node, ast.Attribute):
                assert node.attr not in ("from_markup", "get_default_columns"), path
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Progress":
                assert node.args, f"{path}: a bar's own columns read markup"
            elif isinstance(node, ast.keyword) and node.arg == "markup":
                assert ast.unparse(node.value) == "False", path


def _verif(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", "from verif.cli.app import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)


def _rows(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "ascii")
    return str(path)


@pytest.mark.slow
def test_lone_surrogates_and_markup_anywhere_in_a_row_get_verdicts(root: Path, tmp_path: Path) -> None:
    bad = SURROGATE
    soft = {"kind": "soft", "text": bad, "dimension": bad}
    checker = {"kind": "checker", "text": bad, "source": CHECK}
    broken = {"kind": "checker", "text": "x", "source": f"# {bad}\n{CHECK}"}
    rule = {"kind": "rule", "text": bad, "rule": "keywords:existence", "params": {"keywords": ["a"]}}
    constraints = [soft, checker, broken, rule]
    own = {"id": bad, "prompt": bad, "system": bad, "constraints": constraints, "meta": {bad: [bad]}}
    told = {
        "id": bad, "prompt": bad, "checkers": [f"[rule] {bad}", f"[llm] {bad}"], "functions": [CHECK, ""],
    }  # fmt: skip
    file = _rows(
        tmp_path / "r.jsonl", [{"instruction": own, "response": f"a{bad}"}, {**told, "response": f"a{bad}"}]
    )
    done = _verif(root, "score", file, "--out", str(tmp_path / "out.jsonl"))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "soft:\\ud800[/b]\\x1b[2J" in done.stdout
    assert "\x1b[2J" not in done.stdout
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert [v["status"] for v in first["verdicts"]] == ["skipped", "pass", "error", "pass"]
    assert [v["status"] for v in second["verdicts"]] == ["pass", "skipped"]
    explained = _verif(root, "explain", file, "--row", "1")
    assert (explained.returncode, "Traceback" in explained.stderr) == (0, False), explained.stderr
    screened = _verif(
        root, "screen", file, "--quarantine", str(tmp_path / "q.jsonl"), "--out", str(tmp_path / "s.jsonl")
    )
    assert (screened.returncode, "Traceback" in screened.stderr) == (0, False), screened.stderr
    assert len((tmp_path / "s.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_lone_surrogate_in_a_row_with_checkers_is_scored(tmp_path: Path) -> None:
    row = {
        "id": SURROGATE, "prompt": SURROGATE, "checkers": ["[rule] Say a.", f"[rule] {SURROGATE}"],
        "functions": [CHECK, f"# {SURROGATE}\n{CHECK}"], "response": f"a{SURROGATE}",
    }  # fmt: skip
    file = _rows(tmp_path / "r.jsonl", [row])
    done = CliRunner().invoke(app("score"), [file, "--out", str(tmp_path / "out.jsonl"), "--workers", "1"])
    assert (done.exit_code, done.exception) == (0, None)
    found = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert [verdict["status"] for verdict in found["verdicts"]] == ["pass", "error"]


def test_the_digest_of_ordinary_values_is_what_it_was() -> None:
    assert digest(["a", {"b": 1, "a": [None, 2.5]}]) == "8f01738c0c2b4af609d0f887e113449c"
    assert digest({"a": "\ud800"}) != digest({"a": "?"})
    assert digest([2**70]) != digest([2**71])
