"""A registered model's files and tags, in a real MLflow, hold none of the secrets that lie in the working directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from verif.registry.reconcile import register
from verif.registry.runs import mlflow as tracking
from verif.registry.runs import pipeline_run as runs
from verif.registry.runs.stage_run import stage_run
from verif.registry.store import open_registry
from verif.system.files import write_json

pytestmark = pytest.mark.slow

SECRET = "hf_" + "aB3dE6gH9j" * 3


def git(root: Path, *arguments: str) -> None:
    line = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    subprocess.run(line, cwd=root, check=True, capture_output=True)


def test_nothing_that_is_registered_holds_a_planted_secret(stage, capsys) -> None:
    root: Path = stage.root
    (root / "recipes").mkdir()
    (root / ".gitignore").write_text("/data/\n/models/\n/reports/\n.verif/\n")
    (root / "params.yaml").write_text("recipe: t\ndata: verif/data/world\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    for name in ("hub.env", "remote.env", ".env", "id_rsa", "notes.txt", "recipes/mine.yaml"):
        (root / name).write_text(f"TOKEN={SECRET}\n")
    (root / "recipes" / "plain.yaml").write_text("name: plain\n")
    (root / "params.yaml").write_text(f"recipe: t\ndata: verif/data/world\ntoken: {SECRET}\n")
    (root / "models" / "trained" / "hub.env").write_text(SECRET)
    (root / "reports" / "evaluation" / ".env").write_text(SECRET)
    numbers = root / "reports" / "evaluation.json"
    import orjson

    from verif.system.files import digest_tree

    evaluation = orjson.loads(numbers.read_bytes())
    write_json(numbers, evaluation | {"models": {"trained": digest_tree(root / "models" / "trained")}})
    register(stage)
    said = capsys.readouterr().out
    assert "lineage: 0 files changed, 1 untracked; withheld: " in said
    assert "hub.env (name)" in said
    (version,) = open_registry(stage).versions()
    assert version.tags["verif.git.left_out"] == "notes.txt"
    kept = [p for p in (root / ".verif" / "mlflow" / "artifacts").rglob("*") if p.is_file()]
    assert "changes.patch" in {p.name for p in kept}
    for path in (*kept, root / ".verif" / "mlflow" / "mlflow.db"):
        assert SECRET.encode() not in path.read_bytes(), path
    assert "hub.env" not in {p.name for p in kept}


def test_passwords_in_values_reach_neither_parameters_nor_tags(stage) -> None:
    where = "https://me:pa/ss@w0rd@judge.example/v1?key=abc123"
    parent = runs.start_run(stage, {"judge": where})
    with stage_run(stage, "train") as record:
        record.params({"verifier.url": where, "token": f"Bearer {SECRET}"})
        record.tags({"from": where})
    mlflow = tracking.client(stage.root)
    found = [mlflow.get_run(run).data for run in (parent, record.run_id)]
    text = str([(data.params, data.tags) for data in found])
    for secret in ("pa/ss", "w0rd", "abc123", SECRET):
        assert secret not in text
    assert "judge.example" not in text or "***@judge.example" in text
