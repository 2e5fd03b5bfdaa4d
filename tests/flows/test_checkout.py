"""Which checkout a worker works from: its own, whoever deployed; in the cluster, a clone at the branch's tip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows.checkout import current
from flows.workspace import clone
from verif.cluster.project_checks import check_pushed, check_tree
from verif.errors import SetupError
from verif.recipe import load_recipe


def git(folder: Path, *arguments: str) -> str:
    me = ("-c", "user.name=t", "-c", "user.email=t@t")
    done = subprocess.run(["git", *me, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").touch()
    (folder / ".dvc" / ".gitignore").write_text("/config.local\n/cache\n/tmp\n")
    (folder / ".gitignore").write_text("/.verif/\n")
    (folder / "file").write_text("1")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def test_a_directory_that_is_named_is_left_alone(origin: Path) -> None:
    (origin / "file").write_text("mine")
    assert current({"VERIF_HOME": str(origin)}) == origin
    assert (origin / "file").read_text() == "mine"
    with pytest.raises(SetupError, match="VERIF_HOME is not set"):
        current({})


@pytest.mark.slow
def test_a_clone_follows_its_branch_and_keeps_its_cache(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    told = {
        "VERIF_HOME": str(tmp_path / "w" / "verif"),
        "VERIF_REPOSITORY": str(origin),
        "VERIF_BRANCH": "main",
    }
    (tmp_path / "w" / "verif.part").mkdir(parents=True)  # a worker was killed while it cloned
    home = current(told)
    assert (home / "file").read_text() == "1"
    (home / ".dvc" / "cache").mkdir()
    (home / "file").write_text("changed by hand")
    (origin / "file").write_text("2")
    git(origin, "commit", "--quiet", "--all", "--amend", "--message", "rewritten")
    assert current(told) == home
    assert (home / "file").read_text() == "2"
    assert (home / ".dvc" / "cache").is_dir()
    # What a run sees: a clean tree at a commit that its remote has, and a cache that links.
    run = clone(home, "run")
    assert git(run, "rev-parse", "HEAD") == git(origin, "rev-parse", "main")
    recipe = load_recipe("local", Path(__file__).resolve().parents[2] / "recipes")
    assert check_tree(run, recipe, {}).ok
    assert check_pushed(run, str(origin)).ok
    assert "hardlink" in (run / ".dvc" / "config.local").read_text()


def test_an_address_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    told = {"VERIF_HOME": str(tmp_path / "verif"), "VERIF_REPOSITORY": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "flows.checkout"],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("verif: git clone in ")
    assert len(done.stderr.splitlines()) == 1


def test_what_is_deployed_names_no_checkout(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templating = pytest.importorskip("prefect.utilities.templating")
    monkeypatch.setenv("VERIF_HOME", "/where/the/deployer/is")
    steps = yaml.safe_load((root / "prefect.yaml").read_text())["pull"]
    assert (
        templating.apply_values(steps, {}, remove_notset=False) == steps
    )  # what `prefect deploy` does with them
