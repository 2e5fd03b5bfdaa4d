"""In an environment with only the base dependencies, `import verif`, the rules and the command line work, from the wheel, too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
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
        [str(bare), *arguments], env=env, capture_output=True, text=True, timeout=600, check=False
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


ROW = '{"key": 1, "prompt": "Say it.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "response": "Never."}'


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A folder with the sdist and the wheel that is made from it."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("verif", "flows", "tests/support"):
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "MANIFEST.in",
        "tests/test_stats.py",
    ):
        shutil.copy(root / name, source / name)
    uv = str(Path(sys.executable).with_name("uv"))
    line = [
        uv,
        "build",
        "-q",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "-o",
        str(made),
        str(source),
    ]
    subprocess.run(line, check=True, timeout=600)
    return made


def test_packages_hold_the_library_and_no_more(packages: Path, root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    (wheel,) = packages.glob(f"verif-{version}-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"verif", "flows", f"verif-{version}.dist-info"}
    kept = {
        path.relative_to(root).as_posix()
        for path in (root / "verif").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not kept - names, "the wheel lacks what the library reads"
    with tarfile.open(packages / f"verif-{version}.tar.gz") as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames() if "/" in name}
    assert {"verif", "flows", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= tops
    assert not tops & {"tests", "benchmarks", "docs", "infra"}


def test_the_wheel_works_where_nothing_else_is(
    bare: Path, packages: Path, root: Path, tmp_path: Path
) -> None:
    (wheel,) = packages.glob("*.whl")
    place = tmp_path / "site"
    uv = str(Path(sys.executable).with_name("uv"))
    line = [
        uv,
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--python",
        str(bare),
        "--target",
        str(place),
        str(wheel),
    ]
    subprocess.run(line, check=True, timeout=600)
    (tmp_path / "rows.jsonl").write_text(ROW + "\n")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place), "HOME": str(tmp_path)}
    for arguments, said in (
        (["-c", "import verif; print(verif.__version__, verif.__file__)"], str(place)),
        ([str(place / "bin" / "verif"), "score", "rows.jsonl"], "punctuation:no_comma"),
        (["-m", "verif", "rules", "show", "punctuation:no_comma"], "No ASCII comma"),
    ):
        done = subprocess.run(
            [str(bare), *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert said in done.stdout
