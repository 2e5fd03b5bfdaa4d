"""A stage's container as the Job describes it: its very environment, on a root file system that nobody can write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.remote import ran, sh

from verif.cluster.config import Cluster
from verif.cluster.images import lock_digest
from verif.cluster.inside_pod import Assignment, require_image
from verif.cluster.jobs import job
from verif.cluster.rayjobs import rayjob
from verif.cluster.request import StageRequest
from verif.errors import ClusterError
from verif.recipe import Recipe, Resources, load_recipe

ROOT = Path(__file__).resolve().parents[2]


def contained(request: StageRequest, cluster: Cluster, project: Path, volume: Path) -> list[str]:
    """The container's command under bubblewrap: read-only root, the pod's volumes, the pod's variables and no others."""
    (container,) = job(request, cluster)["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    line = ["bwrap", "--unshare-pid", "--clearenv", "--tmpfs", "/"]
    for place in sorted(Path("/").iterdir()):
        if place.name in ("tmp", "dev", "proc", "workspace", "checkpoints"):
            continue
        how = ("--symlink", str(place.readlink())) if place.is_symlink() else ("--ro-bind", str(place))
        line += [*how, str(place)]
    line += [
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--bind",
        str(project.parent),
        str(project.parent),
        *("--ro-bind", str(ROOT), str(ROOT)),  # a checkout below /tmp is there, too
    ]
    for mount in container["volumeMounts"]:
        if mount["mountPath"] in ("/workspace", "/checkpoints"):
            folder = volume / mount["name"]
            folder.mkdir(parents=True)
            line += ["--bind", str(folder), mount["mountPath"]]
    line += ["--remount-ro", "/"]
    secret = {
        key: os.environ[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    }
    image = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    given = {entry["name"]: entry["value"] for entry in container["env"]}
    given["PYTHONPATH"] += f":{ROOT}"  # stands for what the image has installed
    for key, value in (image | secret | given).items():
        line += ["--setenv", key, value]
    return [*line, "--chdir", "/workspace", sys.executable, *container["command"][1:]]


@pytest.mark.slow
def test_a_pod_needs_no_place_to_write_but_its_volumes(
    project: Path, cluster: Cluster, tmp_path: Path
) -> None:
    probe = (
        subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], check=False, capture_output=True)
        if shutil.which("bwrap")
        else None
    )
    if probe is None or probe.returncode:
        pytest.skip("bubblewrap is not installed or not allowed here")
    recipe = load_recipe("local", project / "recipes")
    commit = sh(project, "git", "rev-parse", "HEAD").strip()
    own = cluster.model_copy(update={"repository": str(project)})
    line = contained(StageRequest(recipe, "prepare", commit, run_id="r1"), own, project, tmp_path / "volumes")
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert ran(project) == ["ran prepare"]
    again = contained(StageRequest(recipe, "train", commit, run_id="r1"), own, project, tmp_path / "others")
    assert subprocess.run(again, capture_output=True, check=False).returncode == 0
    assert ran(project) == ["ran prepare", "ran train"]


def test_the_nodes_of_one_stage_work_in_one_place_and_run_the_commits_code(
    recipe: Recipe, cluster: Cluster
) -> None:
    many = recipe.model_copy(
        update={"resources": {"train": Resources(executor="kubernetes", gpus=8, nodes=4)}}
    )
    request = StageRequest(many, "train", "c" * 40, data="data/rows.jsonl")
    spec = rayjob(request, cluster)["spec"]["rayClusterSpec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        env = {entry["name"]: entry["value"] for entry in container["env"]}
        assert env["VERIF_WORKSPACE"] == f"/checkpoints/workspaces/{request.run}"
        assert env["PYTHONPATH"] == f"{env['VERIF_WORKSPACE']}/clone"
        assert env["VERIF_DATA"] == "data/rows.jsonl"
        assert any(mount["mountPath"] == "/checkpoints" for mount in container["volumeMounts"])
    assert StageRequest(recipe, "train", "c" * 40).workspace == "/workspace"


def test_other_data_is_another_job(request_: StageRequest) -> None:
    from dataclasses import replace

    assert replace(request_, data="data/other.jsonl").run != request_.run


def test_an_image_of_other_locks_is_refused(tmp_path: Path) -> None:
    def assignment(lock: str) -> Assignment:
        return Assignment("r", "c" * 40, "train", "local", {}, tmp_path, role="trainer", lock=lock)

    require_image(ROOT, assignment(lock_digest(ROOT, "trainer")))
    require_image(ROOT, assignment(""))  # not one of our images: nothing is known
    with pytest.raises(ClusterError, match=r"other locks than commit cccccccccccc.*images build trainer"):
        require_image(ROOT, assignment("0" * 16))
