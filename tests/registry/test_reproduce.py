"""`verif reproduce`: from a version alone, in a real registry and a real repository, the model is made again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import yaml

from verif.cli.app import main
from verif.registry.reconcile import register
from verif.registry.runs.lineage import lineage
from verif.registry.store import open_registry
from verif.system.files import digest_tree, write_json

pytestmark = pytest.mark.slow

MAKEFILE = """\
run:
\ttest "$(RECIPE)" = t
\tmkdir -p models/trained
\tcp weights models/trained/model.safetensors
\t$(if $(DATA),cat $(DATA) >> models/trained/model.safetensors)
"""


def git(root: Path, *arguments: str) -> str:
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(line, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(stage, refill, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project whose `make run` writes the weights; the working tree then changes them."""
    root: Path = stage.root
    raw = stage.recipe.model_dump(mode="json", by_alias=True)
    (root / "recipes").mkdir()
    (root / "recipes" / "t.yaml").write_text(yaml.safe_dump(raw))
    (root / "params.yaml").write_text("recipe: t\ndata: verif/data/world\n")
    (root / ".gitignore").write_text("/data/\n/models/\n/reports/\n.verif/\n")
    (root / "Makefile").write_text(MAKEFILE)
    (root / "weights").write_text("old\n\n\n\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    (root / "weights").write_text("new\n\n\n\n")  # the patch ends in lines of nothing but a blank
    refill(root, weights=b"new\n\n\n\n")
    monkeypatch.chdir(root)
    return root


def verif(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["verif", *arguments])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_dirty_working_tree_is_made_again_byte_for_byte(project, stage, monkeypatch, capfd) -> None:
    register(stage)
    assert verif(monkeypatch, "reproduce", "1") == 0
    printed = capfd.readouterr().out
    assert f"git checkout --quiet {git(project, 'rev-parse', 'HEAD')}" in printed
    assert "git apply changes.patch" in printed
    assert "make run RECIPE=t\n" in printed
    assert not (project / ".verif" / "reproduce").exists(), "printing does nothing"
    for _ in range(2):  # a second time finds the first one's folder
        assert verif(monkeypatch, "reproduce", "champion", "--run") == 0
        assert "is the registered model, byte for byte" in capfd.readouterr().out
    made = project / ".verif" / "reproduce" / "reproduce-m-1" / "models" / "trained" / "model.safetensors"
    assert made.read_bytes() == b"new\n\n\n\n"
    assert (project / "weights").read_text() == "new\n\n\n\n", "the working tree is left alone"


def test_a_recipe_that_was_never_added_travels_in_the_patch(
    project, stage, refill, monkeypatch, capfd
) -> None:
    git(project, "checkout", "-q", "weights")
    (project / "recipes" / "größe [1].yaml").write_text("new: 1\n")
    (project / "Makefile").write_text(
        "run:\n\tmkdir -p models/trained\n\tcat recipes/gr* > models/trained/w\n"
    )
    git(project, "commit", "-qam", "makes the weights of a recipe")
    (project / "huge").write_bytes(bytes(11_000_000))
    (project / "dvc.lock").write_text("own\n")
    (project / "recipes" / "staged.yaml").write_text("s: 1\n")
    git(project, "add", "recipes/staged.yaml")
    status = git(project, "status", "--porcelain")
    shutil.rmtree(project / "models" / "trained")
    (project / "models" / "trained").mkdir()
    (project / "models" / "trained" / "w").write_text("new: 1\n")
    numbers = orjson.loads((project / "reports" / "evaluation.json").read_bytes())
    models = {"trained": digest_tree(project / "models" / "trained")}
    write_json(project / "reports" / "evaluation.json", numbers | {"models": models})
    register(stage)
    assert git(project, "status", "--porcelain") == status, "the user's index is left alone"
    assert verif(monkeypatch, "reproduce", "1", "--run") == 0, capfd.readouterr().err
    assert "copy from where the model was made: huge\n" in capfd.readouterr().out
    made = project / ".verif" / "reproduce" / "reproduce-m-1"
    assert (made / "recipes" / "größe [1].yaml").read_text() == "new: 1\n"
    assert (made / "recipes" / "staged.yaml").is_file()
    assert not (made / "dvc.lock").exists()
    (version,) = open_registry(stage).versions()
    assert version.tags["verif.git.dirty"] == "true"


def test_only_an_untracked_lock_file_is_not_dirty(project, stage) -> None:
    git(project, "checkout", "-q", "weights")
    (project / "dvc.lock").write_text("own\n")
    assert lineage(stage)["verif.git.dirty"] == "false"
    (project / "recipes" / "mine.yaml").write_text("new: 1\n")
    assert lineage(stage)["verif.git.dirty"] == "true"


def test_another_model_is_not_taken_for_it(project, stage, refill, monkeypatch, capfd) -> None:
    refill(project, weights=b"other")
    register(stage)
    assert verif(monkeypatch, "reproduce", "1", "--run") == 2
    told = capfd.readouterr().err
    assert "models/trained differs" in told
    assert "version 1 was not made again" in told


def test_a_data_file_outside_the_repository_and_a_commit_that_was_not_pushed(
    project, stage, refill, monkeypatch, capfd, tmp_path_factory
) -> None:
    remote = tmp_path_factory.mktemp("remote")
    git(remote, "init", "-q", "--bare")
    git(project, "remote", "add", "origin", str(remote))
    git(project, "push", "-q", "origin", "HEAD:main")
    (project / "params.yaml").write_text("recipe: t\ndata: rows.jsonl\n")
    git(project, "commit", "-qam", "not pushed")
    (project / "rows.jsonl").write_text("rows")
    refill(project, weights=b"new\n\n\n\nrows")
    register(stage)
    assert verif(monkeypatch, "reproduce", "1", "--run") == 0, capfd.readouterr().err
    assert f"git clone {project} " in capfd.readouterr().out
    git(project, "push", "-q", "origin", "HEAD:main")
    assert verif(monkeypatch, "reproduce", "1", "--run") == 0
    assert f"git clone {remote} " in capfd.readouterr().out


def test_outside_a_repository_and_without_the_version(stage, monkeypatch, capfd) -> None:
    raw = stage.recipe.model_dump(mode="json", by_alias=True)
    (stage.root / "recipes").mkdir()
    (stage.root / "recipes" / "t.yaml").write_text(yaml.safe_dump(raw))
    (stage.root / "params.yaml").write_text("recipe: t\ndata: verif/data/world\n")
    monkeypatch.chdir(stage.root)
    assert verif(monkeypatch, "reproduce", "3") == 2
    assert "has no version or alias '3'" in capfd.readouterr().err
    register(stage)
    assert verif(monkeypatch, "reproduce", "1") == 2
    assert "outside a git repository" in capfd.readouterr().err
