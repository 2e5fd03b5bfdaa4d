"""Two clones, one S3-compatible remote, a pod as a real process: results travel, nothing runs where it should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.remote import ran, sh

from verif.cluster.inside_pod import read_assignment
from verif.errors import ClusterError
from verif.project import overrides_digest
from verif.system import run_cache as transport

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
        [sys.executable, "-m", "verif.cluster.inside_pod"],
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


@pytest.mark.slow
def test_without_a_remote_the_cache_here_gives_the_results_back(project: Path) -> None:
    sh(project, "dvc", "remote", "remove", "-q", "team")
    sh(project, "git", "commit", "-qam", "no remote")
    sh(project, "dvc", "repro", "-q", "train")
    clone = project.parent / "clone"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    sh(clone, "dvc", "cache", "dir", "--local", str(project / ".dvc/cache"))
    transport.restore_missing(clone, ["prepare", "train"])
    assert (clone / "model.txt").read_text() == (project / "model.txt").read_text()
    assert ran(project) == ["ran prepare", "ran train"]
    # what is here stays as it is, known to the cache or not
    (clone / "src.txt").write_text("other instructions\n")
    transport.restore_missing(clone, ["prepare", "train"])
    (clone / "prepared.txt").unlink()
    with pytest.raises(ClusterError, match="no result of stage 'prepare'"):
        transport.restore_missing(clone, ["prepare", "train"])
    assert ran(project) == ["ran prepare", "ran train"]


@pytest.mark.slow
def test_a_machine_that_never_ran_a_stage_gets_its_result_from_the_remote(project: Path) -> None:
    sh(project, "dvc", "repro", "-q", "train")
    sh(project, "dvc", "push", "-q", "--run-cache")
    clone = project.parent / "clone"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    transport.restore_missing(clone, ["prepare", "train"])
    assert (clone / "model.txt").read_text() == (project / "model.txt").read_text()
    assert ran(project) == ["ran prepare", "ran train"]


@pytest.mark.slow
def test_a_pod_gets_what_dvc_add_tracks(project: Path) -> None:
    sh(project, "git", "rm", "-q", "--cached", "src.txt")
    (project / "benchmark-files").mkdir()
    (project / "benchmark-files" / "rows.jsonl").write_text("{}\n")
    sh(project, "dvc", "add", "-q", "src.txt", "benchmark-files")
    sh(project, "git", "add", "-A")
    sh(project, "git", "commit", "-qm", "dvc add")
    assert transport.tracked(project) == ["benchmark-files", "src.txt"]
    assert transport.upstream(project, "evaluate") == ["prepare", "train"]
    sh(project, "dvc", "repro", "-q", "prepare")
    assert transport.not_pushed(project) == ["benchmark-files", "benchmark-files/rows.jsonl", "src.txt"]
    missing = pod(project, "train", {})
    assert missing.returncode == 2
    assert "`dvc push` them" in missing.stderr
    sh(project, "dvc", "push", "-q", "--run-cache")
    assert transport.not_pushed(project) == []
    done = pod(project, "train", {})
    assert done.returncode == 0, done.stderr
    clone = project.parent / "pod-train" / "clone"
    assert (clone / "src.txt").read_text() == "instructions\n"
    assert (clone / "benchmark-files" / "rows.jsonl").is_file()  # no stage names it; `evaluate` reads it
    assert ran(project) == ["ran prepare", "ran train"]


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
