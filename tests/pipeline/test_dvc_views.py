"""What DVC's own commands show of a run: readable at 120 columns, experiments from a clone, refusals with their reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.headlines import REFUSED
from support.quick_stages import make_quick

pytestmark = pytest.mark.slow
WIDE = 120
SHOWN = ("exp", "show", "--only-changed", "--drop", "[/.](py|parquet|json|csv)|^(verif|models|reports|data)")
RATE = "recipes/local.yaml:++train.learning_rate"


def dvc(folder: Path, *arguments: str) -> str:
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": str(WIDE),
        "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t",
        "DVC_NO_ANALYTICS": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"dvc {' '.join(arguments)}: {done.stderr[-1500:]}"
    return done.stdout


def widest(text: str) -> int:
    return max(len(line.rstrip()) for line in text.splitlines())


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A clone whose quick stages have run, with their results committed."""
    folder = tmp_path_factory.mktemp("views") / "verif"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(folder)], check=True)
    make_quick(folder)
    dvc(folder, "repro", "-q")
    subprocess.run(["git", "add", "dvc.lock"], cwd=folder, check=True)
    commit = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "results"]
    subprocess.run(commit, cwd=folder, check=True)
    return folder


def test_every_view_is_readable_at_120_columns_and_shows_the_headline(clone: Path) -> None:
    shown = dvc(clone, "metrics", "show")
    assert widest(shown) <= WIDE
    assert {"before", "after", "gain", "false", "gate"} <= set(shown.splitlines()[0].split())
    kept = json.loads(dvc(clone, "metrics", "show", "--json"))[""]["data"]["reports/headline.json"]["data"]
    numbers = REFUSED.numbers()
    assert {
        name: value for name, value in kept.items() if not isinstance(value, list)
    }.items() <= numbers.items()
    name = "test-rate"
    dvc(clone, "exp", "run", "-q", "-n", name, "-S", f"{RATE}=0.0004")
    views = (("metrics", "diff", "HEAD"), ("params", "diff"), SHOWN)
    for view in views:
        assert widest(dvc(clone, *view) or " ") <= WIDE, view
    table = dvc(clone, *SHOWN)
    assert name in table
    assert "0.0004" in table
    assert "…" not in table
    assert "0.0004" in dvc(clone, "exp", "diff", "HEAD", name)


@pytest.mark.release
def test_queued_and_temporary_experiments_run_from_a_clone_and_can_be_applied(clone: Path) -> None:
    for name, rate in (("first", "0.0006"), ("second", "0.0007")):
        dvc(clone, "exp", "run", "-q", "--queue", "-n", name, "-S", f"{RATE}={rate}")
    dvc(clone, "exp", "run", "-q", "--run-all")
    dvc(clone, "exp", "run", "-q", "--temp", "-n", "beside", "-S", f"{RATE}=0.0008")
    assert {"first", "second", "beside"} <= set(dvc(clone, "exp", "list", "--name-only").split())
    dvc(clone, "exp", "apply", "second")
    assert "0.0007" in (clone / "recipes" / "local.yaml").read_text()
