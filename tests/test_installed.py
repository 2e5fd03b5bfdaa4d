"""In an environment with only the base dependencies, `import verif`, the rules and the command line work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CODE = """
import importlib.util, sys
for name in ("torch", "verl", "vllm", "ray", "mlflow", "prefect", "dvc", "transformers", "pyarrow"):
    assert importlib.util.find_spec(name) is None, name
import verif
from verif.types import RuleConstraint
found = verif.verify("Say it.", "No, never.", constraints=[RuleConstraint(text="No commas.", rule="punctuation:no_comma")])
assert found.reward.value == 0.0, found
found = verif.verify("Say it.", "Never.", constraints=[RuleConstraint(text="No commas.", rule="punctuation:no_comma")])
assert found.reward.value == 1.0, found
"""


def closure(root: Path) -> list[str]:
    """Pins of the base dependencies and of what they need, read from this environment's metadata."""
    from importlib.metadata import distribution

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = {
        canonicalize_name(p.split("==")[0]): p for p in (root / "locks" / "local.txt").read_text().split()
    }
    todo = [
        Requirement(r)
        for r in tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    ]
    seen: dict[str, str] = {}
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen[name] = pins[name]
        todo += [Requirement(r) for r in distribution(name).requires or []]
    return sorted(seen.values())


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The environment's interpreter."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    uv = [str(Path(sys.executable).with_name("uv"))]
    env = dict(os.environ)
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    if links := re.search(r"find-links='([^']*)'", listed.stdout):
        env["UV_FIND_LINKS"] = links[1].replace(" ", ",")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True, env=env)
    python = folder / "bin" / "python"
    install = [*uv, "pip", "install", "-q", "--python", str(python), "--no-deps"]
    subprocess.run([*install, *closure(root)], check=True, env=env)
    return python


def run(bare: Path, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [str(bare), *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_rules_decide_without_the_stack(bare: Path, root: Path) -> None:
    done = run(bare, root, "-c", CODE)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_command_line_scores_and_says_what_is_missing(bare: Path, root: Path, tmp_path: Path) -> None:
    main = "from verif.cli.app import main; main()"
    assert "score" in run(bare, root, "-c", main, "--help").stdout
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"key": 1, "prompt": "Say it.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "response": "Never."}\n'
    )
    done = run(bare, root, "-c", main, "score", str(rows))
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
