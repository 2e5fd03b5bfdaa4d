"""A small real project: git, DVC and a recipe, with three quick stages in place of the seven."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DVC_YAML = """\
stages:
  first:
    cmd: mkdir -p reports && cp ${data} reports/first.txt
    deps:
      - ${data}
    outs:
      - reports/first.txt
  second:
    cmd: cat recipes/${recipe}.yaml > reports/second.txt && echo '{"lines":' $(wc -l < reports/first.txt)'}' > reports/second.json
    deps:
      - reports/first.txt
    params:
      - recipes/${recipe}.yaml:
          - train
    outs:
      - reports/second.txt
    metrics:
      - reports/second.json
  third:
    cmd: sh third.sh
    deps:
      - reports/second.txt
      - third.sh
    outs:
      - reports/third.txt
"""


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow database for all projects: making one takes ten seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def project(tmp_path: Path, root: Path, registry: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, committed, nothing run yet."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry)
    folder = tmp_path / "project"
    (folder / "recipes").mkdir(parents=True)
    shutil.copytree(root / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    for name in ("local.yaml", "verinstruct-tiny.yaml"):
        if (root / "recipes" / name).is_file():
            shutil.copy(root / "recipes" / name, folder / "recipes" / name)
    (folder / "dvc.yaml").write_text(DVC_YAML)
    (folder / "third.sh").write_text("echo done > reports/third.txt\n")
    (folder / ".gitignore").write_text("/reports/\n.verif/\n")
    (folder / "verif" / "data").mkdir(parents=True)
    (folder / "verif" / "data" / "world").write_text("a\nb\n")
    (folder / "params.yaml").write_text("recipe: local\ndata: verif/data/world\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *command], cwd=folder, check=True)
    return folder
