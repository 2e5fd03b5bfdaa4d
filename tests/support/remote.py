"""A project with a DVC remote on an S3-compatible server: what a cluster's pods and the orchestrator share."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

BIN = Path(sys.executable).parent
DIGEST = "sha256:" + "0" * 64
PIPELINE = {
    "stages": {
        "prepare": {
            "cmd": "echo ran prepare >> ${log} && cat src.txt > prepared.txt",
            "deps": ["src.txt"],
            "outs": ["prepared.txt"],
        },
        "train": {
            "cmd": "echo ran train >> ${log} && cat prepared.txt recipes/local.yaml > model.txt",
            "deps": ["prepared.txt"],
            "params": [{"recipes/local.yaml": ["train"]}],
            "outs": ["model.txt"],
        },
        "evaluate": {
            "cmd": "echo ran evaluate >> ${log} && wc -c model.txt > score.txt",
            "deps": ["model.txt"],
            "outs": ["score.txt"],
        },
    }
}


def sh(cwd: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/moto-api/", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        urllib.request.urlopen(urllib.request.Request(f"{url}/verif-remote", method="PUT"), timeout=5)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def project(tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
                       "PATH": f"{BIN}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    origin = tmp_path / "origin"
    (origin / "recipes").mkdir(parents=True)
    sh(origin, "git", "init", "-q", "-b", "main")
    sh(origin, "git", "config", "user.email", "test@example.org")
    sh(origin, "git", "config", "user.name", "Test")
    sh(origin, "dvc", "init", "-q")
    sh(origin, "dvc", "remote", "add", "-q", "-d", "team", f"s3://verif-remote/{tmp_path.name}")
    sh(origin, "dvc", "remote", "modify", "-q", "team", "endpointurl", s3)
    text = json.dumps(PIPELINE).replace("${log}", str(tmp_path / "ran.log"))
    (origin / "dvc.yaml").write_text(yaml.safe_dump(json.loads(text)))
    (origin / "src.txt").write_text("instructions\n")
    (origin / "params.yaml").write_text(yaml.safe_dump({"recipe": "local", "data": "src.txt"}))
    (origin / "recipes/local.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "local",
                "data": {"kind": "world"},
                "policy": {"kind": "scratch"},
                "judge": {"kind": "none"},
                "train": {"steps": 40},
            }
        )
    )
    (origin / ".gitignore").write_text("*.txt\n!src.txt\n.verif/\n")
    sh(origin, "git", "add", "-A")
    sh(origin, "git", "commit", "-qm", "pipeline")
    return origin


def on_kubernetes(project: Path, url: str, repository: str) -> None:
    """Commit that the train stage runs on a cluster, which is described; a kubeconfig beside the project."""
    recipe = yaml.safe_load((project / "recipes/local.yaml").read_text())
    recipe["resources"] = {"train": {"executor": "kubernetes", "memory_gb": 4}}
    (project / "recipes/local.yaml").write_text(yaml.safe_dump(recipe))
    (project / "infra").mkdir()
    images = {"cpu": f"registry.example/verif/cpu@{DIGEST}"}
    cluster = {"repository": repository, "images": images}
    (project / "infra/cluster.yaml").write_text(yaml.safe_dump(cluster))
    sh(project, "git", "add", "-A")
    sh(project, "git", "commit", "-qm", "train on the cluster")
    named = {"cluster": {"server": url}, "name": "test"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    (project.parent / "kubeconfig").write_text(yaml.safe_dump(config))


def ran(project: Path) -> list[str]:
    log = project.parent / "ran.log"
    return log.read_text().splitlines() if log.exists() else []
