"""The kubernetes executor as a flow uses it: a clone, a remote, an API server, and a pod that is a real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.remote import DIGEST, on_kubernetes, ran, sh

pytest.importorskip("dvc")
pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


async def begin(clone: Path, *stages: str) -> asyncio.subprocess.Process:
    """What the flow's tasks do, one after the other, in a process of its own."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "import sys; from pathlib import Path; from flows.executors import execute, release_verifier\n"
        "for stage in sys.argv[1:]: print(execute(Path.cwd(), stage, 'run1', 'recipe'))\n"
        "if not sys.argv[1:]: release_verifier(Path.cwd())"
    )
    env = os.environ | {"KUBECONFIG": str(clone.parent / "kubeconfig"), "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *stages, cwd=clone, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def execute(clone: Path, *stages: str) -> str:
    """`begin`, to a good end; what it printed."""
    process = await begin(clone, *stages)
    out, err = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, err.decode()[-3000:]
    return out.decode()


async def kubelet(server: Any, folder: Path) -> dict[str, str]:
    """Runs the container of the one Job that appears as a process of this machine; its variables."""
    while not any(plural == "jobs" for plural, _ in server.objects):
        await asyncio.sleep(0.1)
    name = server.only("jobs")
    (container,) = server.objects["jobs", name]["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry["value"] for entry in container["env"]}
    here = {"VERIF_WORKSPACE": str(folder / "pod"), "VERIF_CHECKPOINTS": str(folder / "checkpoints")}
    here |= {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    server.pod(name, phase="Running")
    server.update("jobs", name, active=1)  # as the controller does: the watcher hears of it
    process = await asyncio.create_subprocess_exec(
        sys.executable, *container["command"][1:], env=os.environ | given | here
    )
    done = "Complete" if await process.wait() == 0 else "Failed"
    server.condition("jobs", name, done)
    return given


async def test_a_stage_of_the_recipe_runs_as_a_job_and_its_result_comes_back(
    project: Path, server: Any
) -> None:
    on_kubernetes(project, server.url, str(project))
    clone = project.parent / "flow"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    node = asyncio.create_task(kubelet(server, project.parent))
    told = await execute(clone, "prepare", "train", "evaluate")
    await node
    assert ran(project) == ["ran prepare", "ran train", "ran evaluate"]
    assert told.count("ran=True") == 3
    seen = told.splitlines()
    assert "=== train" in seen, "a stage on the cluster is announced like any other"
    assert next(line for line in seen if server.only("jobs") in line).endswith("submitted as a Job")
    assert f"{server.only('jobs')}: running" in seen
    assert "steps: 40" in (clone / "model.txt").read_text()
    assert (clone / "score.txt").is_file()
    (job,) = server.created

    # nothing changed: nothing is submitted, nothing runs; and a lost working copy gets the result back
    assert (await execute(clone, "prepare", "train", "evaluate")).count("ran=False") == 3
    (clone / "model.txt").unlink()
    (clone / "dvc.lock").unlink()
    await execute(clone, "prepare", "train")
    assert (clone / "model.txt").is_file()
    assert server.created == [job]
    assert ran(project) == ["ran prepare", "ran train", "ran evaluate"]
    assert json.dumps(server.objects["jobs", job]).count(DIGEST) == 1


async def test_results_that_were_here_before_there_was_a_remote_reach_the_pod(
    project: Path, server: Any
) -> None:
    on_kubernetes(project, server.url, str(project))
    sh(project, "dvc", "repro", "-q", "prepare")
    clone = project.parent / "flow"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    sh(clone, "dvc", "cache", "dir", "--local", str(project / ".dvc/cache"))
    sh(
        clone, "dvc", "repro", "-q", "prepare"
    )  # restored: `execute` has nothing to run, and nothing was pushed
    node = asyncio.create_task(kubelet(server, project.parent))
    assert (await execute(clone, "prepare", "train")).count("ran=True") == 1
    await node
    assert ran(project) == ["ran prepare", "ran train"]


async def controllers(server: Any) -> str:
    """The Deployment that appears gets its replicas; its name."""
    while not (names := [name for plural, name in server.objects if plural == "deployments"]):
        await asyncio.sleep(0.05)
    server.update("deployments", names[0], availableReplicas=1)
    return names[0]


async def test_the_recipes_verifier_is_brought_up_for_its_stages_and_released_at_the_end(
    project: Path, server: Any
) -> None:
    on_kubernetes(project, server.url, str(project))
    for path, key, value in (
        ("recipes/local.yaml", "resources", {"verifier": {"executor": "kubernetes"}, "train": {"executor": "kubernetes"}}),
        ("infra/cluster.yaml", "images", {role: f"registry.example/verif/{role}@{DIGEST}" for role in ("cpu", "verifier")}),
    ):  # fmt: skip
        raw = yaml.safe_load((project / path).read_text())
        (project / path).write_text(yaml.safe_dump({**raw, key: value}))
    sh(project, "git", "commit", "-qam", "the verifier on the cluster")
    clone = project.parent / "flow"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    node, made = (
        asyncio.create_task(kubelet(server, project.parent)),
        asyncio.create_task(controllers(server)),
    )
    await execute(clone, "prepare", "train")
    given, name = await node, await made
    assert given["VERIF_VERIFIER_URL"] == f"http://{name}:8600"
    assert server.created.index(name) < server.created.index(server.only("jobs"))
    assert {plural for plural, _ in server.objects} >= {
        "deployments",
        "services",
        "configmaps",
        "networkpolicies",
    }
    await execute(clone)
    await asyncio.sleep(0.5)
    assert {plural for plural, _ in server.objects} == {"jobs"}


async def test_a_cancelled_run_takes_its_job_with_it(project: Path, server: Any) -> None:
    on_kubernetes(project, server.url, str(project))
    clone = project.parent / "flow"
    sh(project.parent, "git", "clone", "-q", str(project), str(clone))
    process = await begin(clone, "prepare", "train")
    while not server.created:
        await asyncio.sleep(0.1)
    server.pod(server.only("jobs"), phase="Running")
    await asyncio.sleep(1)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode != 0
    assert server.objects == {}, "the Job outlived the run that was cancelled"
    assert ran(project) == ["ran prepare"]
