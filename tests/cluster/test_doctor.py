"""The doctor finds what is missing before anything is submitted, and says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.doctor_api import Api
from support.remote import on_kubernetes, ran, sh

from verif.audit.recipe_checks import recipe_checks
from verif.cluster.client import Kube
from verif.cluster.doctor import require
from verif.cluster.project_checks import (
    check_data,
    check_pushed,
    check_remote,
    check_tracked,
    check_tree,
)
from verif.errors import ClusterError
from verif.project import apply_overrides, set_parameters
from verif.recipe import Recipe, load_recipe
from verif.system.check import Check

ROOT = Path(__file__).resolve().parents[2]


def git(cwd: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.email=t@example.org", "-c", "user.name=T", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(tmp_path: Path, root: Path) -> Path:
    """A committed clone with two recipes; the commit is nowhere else."""
    git(tmp_path, "init", "-q", "--bare", "remote")
    git(tmp_path, "init", "-q", "-b", "main", "clone")
    clone = tmp_path / "clone"
    (clone / "recipes").mkdir()
    for name in ("local", "verinstruct-tiny"):
        (clone / "recipes" / f"{name}.yaml").write_text((root / "recipes" / f"{name}.yaml").read_text())
    (clone / "params.yaml").write_text("recipe: local\ndata: verif/data/world\n")
    (clone / "a.txt").write_text("a")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "a")
    return clone


def test_changes_by_hand_are_named(repository: Path) -> None:
    recipe = load_recipe("local", repository / "recipes")
    assert check_tree(repository, recipe, {}).ok
    (repository / "dvc.lock").write_text("")
    assert check_tree(repository, recipe, {}).ok
    (repository / "a.txt").write_text("b")
    (repository / "ein neuer Käse.py").write_text("")
    tree = check_tree(repository, recipe, {})
    assert not tree.ok
    assert tree.detail.endswith(": a.txt, ein neuer Käse.py")
    assert "Commit" in tree.fix
    assert not check_tree(repository.parent, recipe, {}).ok


def test_what_verif_wrote_is_no_change_by_hand(repository: Path) -> None:
    (repository / "rows.jsonl").write_text("{}\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "rows")
    overrides = {"train.steps": 7, "train.learning_rate": 0.01}
    set_parameters(repository, "verinstruct-tiny", "rows.jsonl")
    apply_overrides(repository, "verinstruct-tiny", overrides)
    recipe = load_recipe("verinstruct-tiny", repository / "recipes")
    assert check_tree(repository, recipe, overrides).ok
    # overrides of an earlier run, or more than the overrides: a pod would train something else
    for other in ({}, {"train.steps": 7}):
        assert check_tree(repository, recipe, other).detail.endswith(": recipes/verinstruct-tiny.yaml")
    path = repository / "recipes" / "verinstruct-tiny.yaml"
    path.write_text(path.read_text() + "seed: 5\n")
    assert not check_tree(repository, recipe, overrides).ok
    git(repository, "checkout", "-q", "recipes")
    (repository / "params.yaml").write_text("recipe: local\n")
    assert check_tree(repository, recipe, {}).detail.endswith(": params.yaml")


def test_the_commit_must_be_where_pods_clone_it(repository: Path, tmp_path: Path) -> None:
    remote = str(tmp_path / "remote")
    assert "cannot be read" in check_pushed(repository, str(tmp_path / "gone")).detail
    finding = check_pushed(repository, remote)
    assert not finding.ok
    assert f"{remote} lacks the commit" in finding.detail
    assert "git push" in finding.fix
    # a flow's own clone has an origin that holds every commit; that says nothing
    git(tmp_path, "clone", "-q", "clone", "flow")
    assert not check_pushed(tmp_path / "flow", remote).ok
    git(repository, "push", "-q", remote, "main")
    assert check_pushed(tmp_path / "flow", remote).ok
    (repository / "a.txt").write_text("c")
    git(repository, "commit", "-qam", "c")
    assert not check_pushed(repository, remote).ok


def test_a_commit_below_what_others_pushed_is_found_and_no_branch_here_moves(
    repository: Path, tmp_path: Path
) -> None:
    remote = str(tmp_path / "remote")
    git(repository, "push", "-q", remote, "main")
    git(tmp_path, "clone", "-q", "-b", "main", "remote", "colleague")
    git(tmp_path / "colleague", "commit", "-q", "--allow-empty", "-m", "more")
    git(tmp_path / "colleague", "tag", "-am", "one", "v1")
    git(tmp_path / "colleague", "push", "-q", "origin", "v1", "main")
    assert check_pushed(repository, remote).ok
    git(tmp_path / "remote", "update-ref", "-d", "refs/heads/main")
    assert check_pushed(repository, remote).ok  # the tag is enough
    refs = subprocess.run(["git", "for-each-ref"], cwd=repository, capture_output=True, text=True, check=True)
    assert len(refs.stdout.splitlines()) == 1


def test_all_that_is_missing_is_one_error() -> None:
    require([Check("a", True)])
    bad = [Check("a", True), Check("b", False, "is gone", "Bring it."), Check("c", False, "", "Do it.")]
    with pytest.raises(ClusterError) as caught:
        require(bad)
    assert str(caught.value) == (
        "nothing was submitted, 2 of 3 checks failed. b: is gone. Bring it. c: missing. Do it."
    )


@pytest.mark.slow
def test_data_comes_with_the_commit_or_from_the_remote(repository: Path, tmp_path: Path) -> None:
    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=repository, check=True)

    def findings() -> dict[str, Check]:
        return {f.what: f for f in check_data(repository, recipe)}

    tiny = load_recipe("verinstruct-tiny", repository / "recipes").model_dump(by_alias=True)
    benchmarks = [{"name": "ifeval", "path": "benchmark-files/ifeval.jsonl"}]
    tiny["evaluate"] |= {"benchmarks": benchmarks}
    tiny["resources"] = {"evaluate": {"executor": "kubernetes"}}
    recipe = Recipe.model_validate(tiny)
    dvc("init", "-q")
    (repository / "benchmark-files").mkdir()
    for name in ("rows.jsonl", "benchmark-files/ifeval.jsonl"):
        (repository / name).write_text(f'{{"in": "{name}"}}\n')
    set_parameters(repository, "verinstruct-tiny", "rows.jsonl")
    assert findings()["data files"].detail == "not in the commit: rows.jsonl, benchmark-files/ifeval.jsonl"
    dvc("add", "-q", "rows.jsonl", "benchmark-files")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "data")
    assert findings()["data files"].ok
    dvc("remote", "add", "-q", "-d", "team", str(tmp_path / "store"))
    assert (
        check_tracked(repository).detail == "lacks benchmark-files, benchmark-files/ifeval.jsonl, rows.jsonl"
    )
    dvc("push", "-q")
    assert check_tracked(repository).ok
    assert check_data(repository, load_recipe("local", repository / "recipes"))[0].ok  # its pods read no file


def test_unpinned_recipe_is_a_finding(root: Path, recipe: Recipe) -> None:
    assert recipe_checks(recipe, root)[0].ok
    pins = recipe_checks(load_recipe("tulu3-8b", root / "recipes"), root)[0]
    assert not pins.ok
    assert "verif recipe pin" in pins.fix


def test_a_judge_that_cannot_be_audited_is_a_finding(root: Path, recipe: Recipe) -> None:
    (_, labelled) = recipe_checks(recipe, root)
    assert not labelled.ok
    assert labelled.detail == "the recipe names none: the judge cannot be audited and training will refuse"
    assert "data.labelled" in labelled.fix
    assert [c.what for c in recipe_checks(load_recipe("local", root / "recipes"), root)] == ["pins"]


@pytest.mark.slow
def test_missing_and_unreachable_remote(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dvc = [sys.executable, "-m", "dvc"]
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    subprocess.run([*dvc, "init", "-q"], cwd=repository, check=True)
    assert "dvc remote add" in check_remote(repository).fix
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    subprocess.run([*dvc, "remote", "add", "-q", "-d", "team", "s3://bucket/x"], cwd=repository, check=True)
    subprocess.run(
        [*dvc, "remote", "modify", "-q", "team", "endpointurl", "http://127.0.0.1:9"],
        cwd=repository,
        check=True,
    )
    subprocess.run(
        [*dvc, "remote", "modify", "-q", "team", "connect_timeout", "1"], cwd=repository, check=True
    )
    finding = check_remote(repository)
    assert not finding.ok
    assert "could not be read" in finding.detail


BEGIN = """
import json, sys
from flows.executors import preflight
from flows.workspace import workspace
directory, recipe, overrides = json.loads(sys.argv[1])
with workspace(directory, recipe, "", overrides) as place:
    preflight(place, ["prepare", "train", "evaluate"], "recipe")
"""
VERIF = "from verif.cli.app import main; main()"


async def python(project: Path, code: str, *arguments: str) -> tuple[int, str]:
    """Exit code and complaints of a process in the project."""
    env = os.environ | {"KUBECONFIG": str(project.parent / "kubeconfig"), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, cwd=project, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode is not None
    return process.returncode, err.decode()


@pytest.mark.slow
async def test_a_run_begins_when_its_pods_can_do_the_same(project: Path, api: tuple[Api, Kube]) -> None:
    """A recipe and overrides that no commit holds reach the pods beside the commit; changes by hand do not."""
    server, kube = api
    team = project.parent / "team.git"
    other = yaml.safe_load((project / "recipes/local.yaml").read_text()) | {"name": "other"}
    other["resources"] = {"train": {"executor": "kubernetes"}}
    (project / "recipes/other.yaml").write_text(yaml.safe_dump(other))
    (project / "params.yaml").write_text("recipe: local\ndata: verif/data/world\n")
    on_kubernetes(project, kube.api.configuration.host, str(team))
    sh(project, "git", "clone", "-q", "--bare", ".", str(team))
    for directory in (None, str(project)):
        begin = json.dumps([directory, "other", {"train.steps": 7}])
        assert await python(project, BEGIN, begin) == (0, "")
    assert "steps: 7" in (project / "recipes/other.yaml").read_text()

    # all that is wrong in one error, before the first stage
    sh(project, "git", "commit", "-qam", "not pushed")
    (project / "src.txt").write_text("by hand\n")
    sh(project, "dvc", "remote", "modify", "--local", "-q", "team", "endpointurl", "http://127.0.0.1:9")
    server.denied, server.missing = {("create", "jobs")}, {"verif-remote"}
    code, said = await python(project, VERIF, "run")
    assert code == 2
    (line,) = said.strip().splitlines()
    for part in (
        "nothing was submitted, 5 of ",
        "src.txt. Commit or discard these files.",
        "DVC remote: the DVC remote could not be read",
        f"{team} lacks the commit. Run `git push`.",
        "rights: create jobs. Bind the role",
        "secret verif-remote: does not exist. Create it",
    ):
        assert part in line
    assert ran(project) == []
    (project.parent / "kubeconfig").unlink()
    code, said = await python(project, BEGIN, json.dumps([None, "local", {}]))
    assert code == 1
    assert "cluster: no usable kubeconfig" in said
    # where everything runs here, nobody asks
    code, said = await python(
        project, BEGIN.replace('"recipe")', '"local")'), json.dumps([None, "local", {}])
    )
    assert (code, said) == (0, "")
