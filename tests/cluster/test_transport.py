"""Two clones, one S3-compatible remote, a pod as a real process: results travel, nothing runs where it should not."""

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

from verif.cluster import transport
from verif.cluster.pod import read_assignment
from verif.errors import ClusterError
from verif.overrides import overrides_digest

pytest.importorskip("dvc")
pytest.importorskip("moto.server")
BIN = Path(sys.executable).parent
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
    (origin / ".gitignore").write_text("*.txt\n!src.txt\n")
    sh(origin, "git", "add", "-A")
    sh(origin, "git", "commit", "-qm", "pipeline")
    return origin


def ran(project: Path) -> list[str]:
    log = project.parent / "ran.log"
    return log.read_text().splitlines() if log.exists() else []


def pod(
    project: Path, stage: str, overrides: dict[str, object], digest: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "VERIF_REPOSITORY": str(project),
        "VERIF_COMMIT": sh(project, "git", "rev-parse", "HEAD").strip(),
        "VERIF_STAGE": stage,
        "VERIF_RECIPE": "local",
        "VERIF_OVERRIDES": json.dumps(overrides),
        "VERIF_OVERRIDES_DIGEST": overrides_digest(overrides),
        "VERIF_WORKSPACE": str(project.parent / f"pod-{stage}"),
        "VERIF_CHECKPOINTS": str(project.parent / "checkpoints"),
        "VERIF_EXECUTOR": "kubernetes",
    }
    return subprocess.run(
        [sys.executable, "-m", "verif.cluster.pod"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_results_travel_and_nothing_runs_where_it_should_not(project: Path) -> None:
    sh(project, "dvc", "repro", "-q", "prepare")
    assert transport.upstream(project, "evaluate") == ["prepare", "train"]

    # a miss is refused on both sides, and nothing runs
    with pytest.raises(ClusterError, match="no result of stage 'train'"):
        transport.restore(project, "train")
    missing = pod(project, "train", {})
    assert missing.returncode == 2
    assert "no result of stage 'prepare'" in missing.stderr
    assert ran(project) == ["ran prepare"]

    # a pod runs its stage under the run's overrides; that result is not taken for other parameters
    sh(project, "dvc", "push", "-q", "--run-cache")
    done = pod(project, "train", {"train.steps": 7})
    assert done.returncode == 0, done.stderr
    clone = project.parent / "pod-train" / "clone"
    assert yaml.safe_load((clone / "recipes/local.yaml").read_text())["train"]["steps"] == 7
    transport.fetch_run_cache(project)
    assert not transport.has_result(project, "train")

    # the orchestrator gets the pod's result without running anything
    assert pod(project, "train", {}).returncode == 0
    assert ran(project) == ["ran prepare", "ran train", "ran train"]
    transport.fetch_run_cache(project)
    transport.restore(project, "train")
    assert "steps: 40" in (project / "model.txt").read_text()
    assert "train" in yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert ran(project) == ["ran prepare", "ran train", "ran train"]


def test_overrides_changed_on_the_way_are_refused() -> None:
    environment = {
        "VERIF_REPOSITORY": "x",
        "VERIF_COMMIT": "c",
        "VERIF_STAGE": "train",
        "VERIF_RECIPE": "local",
        "VERIF_OVERRIDES": '{"train.steps": 8}',
        "VERIF_OVERRIDES_DIGEST": overrides_digest({"train.steps": 7}),
    }
    with pytest.raises(ClusterError, match="digest"):
        read_assignment(environment)
