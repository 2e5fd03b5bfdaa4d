"""What reaches the Docker engine, and what the CPU image keeps of it: all that is committed, and no secret beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SECRET = "-".join(("planted", "a7f3", "words"))  # in no file of the project, this one included
PLANTED = (
    "hub.env", "remote.env", ".env", "id_rsa", "notes.txt", ".netrc", "kubeconfig", "dump.sql", ".ssh/id_ed25519",
    "infra/docker/secrets/store_password", "infra/hub.env", "verif/.env", "flows/cluster/prod.tfvars", "recipes/tls.key",
    "tests/data/credentials.json", "scripts/.npmrc", ".dvc/config.local", "docs/kubeconfig-team", "verif/core/rules/service.pem",
    "data/rows.parquet", ".verif/services/prefect.token", "wandb/run.log",
)  # fmt: skip


def git(root: Path, *arguments: str) -> str:
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(line, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """The files that are committed here, as a repository of their own with a remote whose address holds a password."""
    place = tmp_path / "project"
    for name in git(root, "ls-files").splitlines():
        if (root / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, place / name)
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "all")
    git(place, "remote", "add", "origin", f"https://me:{SECRET}@git.example/x.git")
    return place


def context(place: Path) -> set[str]:
    """What docker sends, by its client's own reading of .dockerignore."""
    build = pytest.importorskip("docker.utils.build")
    patterns = [
        line
        for line in (place / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    return {path for path in build.exclude_paths(str(place), patterns) if (place / path).is_file()}


def plant(place: Path) -> None:
    for name in PLANTED:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(SECRET)


@pytest.mark.slow
def test_the_context_is_what_is_committed_and_no_secret(checkout: Path) -> None:
    plant(checkout)
    sent = context(checkout)
    assert sent & set(PLANTED) == set()
    assert set(git(checkout, "ls-files").splitlines()) <= sent
    for path in sent:
        assert SECRET.encode() not in (checkout / path).read_bytes(), path


@pytest.mark.slow
def test_the_cpu_image_keeps_only_what_the_commit_names(checkout: Path, root: Path, tmp_path: Path) -> None:
    """The Dockerfile's own commands, in a folder: a secret under an innocent name does not stay either."""
    plant(checkout)
    (checkout / "recipes" / "mine.txt").write_text(SECRET)
    (checkout / "recipes" / "local.yaml").write_text("changed\n")
    project = tmp_path / "image"
    for path in context(checkout):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout / path, project / path)
    text = (root / "infra/docker/cpu.Dockerfile").read_text()
    (commands,) = re.findall(r"^COPY \. /project\nRUN ((?:.*\\\n)*.*)\n", text, re.M)
    own = (
        commands.replace("\\\n", " ")
        .replace("/project", str(project))
        .replace("/commit", str(tmp_path / "commit"))
    )
    subprocess.run(["sh", "-euc", own], check=True, capture_output=True)
    kept = {str(p.relative_to(project)) for p in project.rglob("*") if p.is_file() and ".git" not in p.parts}
    assert kept == set(git(checkout, "ls-files").splitlines())
    assert (project / "recipes" / "local.yaml").read_text() == "changed\n"
    assert git(project, "status", "--porcelain") == " M recipes/local.yaml\n"
    assert git(project, "remote") == ""
    for path in project.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_no_other_image_copies_more_than_named_folders(root: Path) -> None:
    for role in ("orchestrator", "trainer", "verifier"):
        text = (root / f"infra/docker/{role}.Dockerfile").read_text()
        copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.*)$", text, re.M)]
        for name in (name for names in copied for name in names):
            assert name in (
                "verif",
                "flows",
                "recipes",
                "plugins",
                "pyproject.toml",
                "README.md",
                "LICENSE",
            ) or name.startswith(("locks/", "scripts/locked.sh"))
