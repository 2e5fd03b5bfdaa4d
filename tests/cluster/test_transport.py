"""Two clones, one S3-compatible remote, a pod as a real process: results travel, nothing runs where it should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from remote import ran, sh

from verif.cluster import transport
from verif.cluster.pod import read_assignment
from verif.errors import ClusterError
from verif.overrides import overrides_digest

pytest.importorskip("dvc")
pytest.importorskip("moto.server")


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
