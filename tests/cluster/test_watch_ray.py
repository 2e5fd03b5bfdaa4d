"""The failure table in docs/operations.md, RayJobs: KubeRay gives one reason, the pods and their events the cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.apiserver import ApiServer
from support.watched import QUICK, Run, created, disrupted, ended, looked, waiting

from verif.cluster.request import StageRequest
from verif.cluster.state import ObjectState

REASONS = ["AppFailed", "JobDeploymentStatusTransitionGracePeriodExceeded", "SubmissionFailed"]


@pytest.fixture
def ray(start: Any, request_: StageRequest) -> Callable[..., Run]:
    train = request_.recipe.resources["train"].model_copy(update={"nodes": 2})
    recipe = request_.recipe.model_copy(update={"resources": {"train": train}})
    return lambda **options: start(request=replace(request_, recipe=recipe), **options)


def running(server: ApiServer, name: str) -> None:
    for pod in ("head-x1", "worker-x1"):
        server.pod(name, "rayjobs", pod, phase="Running")
    server.update("rayjobs", name, jobDeploymentStatus="Running", jobStatus="RUNNING")


def fail(server: ApiServer, name: str, reason: str, message: str = "Job failed.") -> None:
    deployment = "ValidationFailed" if reason == "ValidationFailed" else "Failed"
    server.update("rayjobs", name, jobDeploymentStatus=deployment, reason=reason, message=message)


def causes(run: Run) -> list[str]:
    return [s.cause for s in run.states if s.phase == "failed"]


async def test_success(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    running(server, name)
    await run.until("running")
    server.update("rayjobs", name, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("ValidationFailed", "admission"), ("SubmissionFailed", "submission"), ("AppFailed", "unknown")],
)
async def test_failure_brings_kuberays_words(server: ApiServer, ray: Any, reason: str, cause: str) -> None:
    run = ray()
    name = await created(server)
    fail(server, name, reason, "what KubeRay said")
    message = await run.error()
    assert f"({cause})" in message
    assert "what KubeRay said" in message
    assert len(server.created) == 1
    assert bool(server.objects) == (cause != "admission")


@pytest.mark.parametrize("lost", ["head-x1", "worker-x1"])
@pytest.mark.parametrize("reason", REASONS)
async def test_evicted_pod_is_tried_again(server: ApiServer, ray: Any, reason: str, lost: str) -> None:
    run = ray()
    first = await created(server)
    running(server, first)
    await run.until("running")
    server.pod(first, "rayjobs", "head-x1", phase="Failed", containerStatuses=[ended("ray-head", 1)])
    server.pod(first, "rayjobs", lost, **disrupted("EvictionByEvictionAPI"))
    fail(server, first, reason)
    second = await created(server, 2)
    assert causes(run) == ["evicted"]
    server.update("rayjobs", second, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.parametrize("reason", REASONS)
async def test_preempted_worker_that_is_replaced_already_is_remembered(
    server: ApiServer, ray: Any, reason: str
) -> None:
    run = ray()
    first = await created(server)
    running(server, first)
    await run.until("running")
    server.pod(first, "rayjobs", "worker-x1", **disrupted("PreemptionByScheduler"))
    await looked(server)
    server.pods = [p for p in server.pods if not p["metadata"]["name"].endswith("worker-x1")]
    server.pod(first, "rayjobs", "worker-x2", phase="Pending")
    await looked(server)
    server.pod(first, "rayjobs", "head-x1", phase="Failed", containerStatuses=[ended("ray-head", 1)])
    fail(server, first, reason)
    await created(server, 2)
    assert causes(run) == ["preempted"]


@pytest.mark.slow
async def test_pods_are_looked_at_more_often_than_a_drained_one_needs_to_go(
    server: ApiServer, ray: Any
) -> None:
    run = ray(patience=replace(QUICK, poll_s=60, ray_poll_s=0.3))
    first = await created(server)
    running(server, first)
    await run.until("running")
    server.pod(first, "rayjobs", "worker-x1", **disrupted("EvictionByEvictionAPI"))
    await asyncio.sleep(1.5)
    server.pods.clear()
    fail(server, first, "AppFailed")
    await created(server, 2)
    assert causes(run) == ["evicted"]


@pytest.mark.parametrize(
    ("event", "message", "cause"),
    [
        ("Evicted", "The node was low on resource: memory.", "evicted"),
        ("Preempted", "Preempted by pod 7c1 on node gpu-3", "preempted"),
        ("TaintManagerEviction", "Marking for deletion Pod verif/x", "node-lost"),
        ("NodeNotReady", "Node is not ready", "node-lost"),
    ],
)
@pytest.mark.parametrize("reason", REASONS)
async def test_event_of_a_pod_that_is_gone_tells(
    server: ApiServer, ray: Any, event: str, message: str, cause: str, reason: str
) -> None:
    run = ray()
    first = await created(server)
    running(server, first)
    await looked(server)
    server.pods.clear()
    server.event("Pod", f"{first}-worker-x1", "Scheduled", "Successfully assigned verif/x to gpu-3")
    server.event("Pod", f"{first}-worker-x1", event, message)
    fail(server, first, reason)
    await created(server, 2)
    assert causes(run) == [cause]
    assert message in next(s.message for s in run.states if s.phase == "failed")


async def test_events_of_others_and_of_a_node_that_came_back_do_not(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    running(server, name)
    await looked(server)
    server.event("Pod", "somebody-elses", "Evicted", "The node was low on resource: memory.")
    server.event("RayJob", name, "Evicted", "not said of a pod")
    server.event("Pod", f"{name}-head-x1", "NodeNotReady", "Node is not ready")
    server.event("Pod", f"{name}-head-x1", "TaintManagerEviction", "Marking for deletion Pod verif/x")
    server.event("Pod", f"{name}-head-x1", "TaintManagerEviction", "Cancelling deletion of Pod verif/x")
    fail(server, name, "AppFailed", "exit status 1")
    message = await run.error()
    assert "(unknown)" in message
    assert "exit status 1" in message


async def test_pod_that_was_replaced_before_the_job_ran_explains_nothing(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    server.update("rayjobs", name, jobDeploymentStatus="Initializing")
    server.pod(name, "rayjobs", "head-x0", **disrupted("PreemptionByScheduler"))
    await looked(server)
    server.pods.clear()
    running(server, name)
    await run.until("running")
    fail(server, name, "AppFailed", "exit status 1")
    assert "(unknown)" in await run.error()
    assert len(server.created) == 1


async def test_deadline_outranks_a_lost_pod(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    server.pod(name, "rayjobs", "head-x1", **disrupted("EvictionByEvictionAPI"))
    fail(server, name, "DeadlineExceeded", "The RayJob has passed the activeDeadlineSeconds")
    assert "(deadline)" in await run.error()


async def test_out_of_memory_outranks_the_heads_exit_code(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    running(server, name)
    server.pod(name, "rayjobs", "head-x1", phase="Failed", containerStatuses=[ended("ray-head", 1)])
    status = ended("ray-worker", 137, "OOMKilled")
    server.pod(name, "rayjobs", "worker-x1", phase="Failed", containerStatuses=[status])
    fail(server, name, "AppFailed")
    message = await run.error()
    assert "(oom)" in message
    assert "memory_gb" in message


async def test_pods_that_kuberay_deletes_after_a_failure_tell_nothing(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    server.pod(name, "rayjobs", "head-x1", deleted=True, containerStatuses=[ended("ray-head", 137)])
    fail(server, name, "AppFailed", "exit status 1")
    message = await run.error()
    assert "(unknown)" in message
    assert "exit status 1" in message


@pytest.mark.slow
async def test_image_of_the_init_container_that_kuberay_adds(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    server.pod(
        name,
        "rayjobs",
        "worker-x1",
        phase="Pending",
        initContainerStatuses=[waiting("wait-gcs-ready", "ErrImagePull", "manifest unknown")],
        containerStatuses=[waiting("ray-worker", "PodInitializing")],
    )
    message = await run.error()
    assert "(image)" in message
    assert "manifest unknown" in message
    assert not server.objects


@pytest.mark.parametrize(
    "status",
    [{"jobDeploymentStatus": "Initializing"}, {"jobDeploymentStatus": "Running", "jobStatus": "PENDING"}],
)
async def test_pods_that_run_are_not_yet_a_job_that_runs(
    server: ApiServer, ray: Any, status: dict[str, str]
) -> None:
    run = ray()
    name = await created(server)
    server.pod(name, "rayjobs", "head-x1", phase="Running")
    server.update("rayjobs", name, **status)
    await looked(server)
    assert run.states[-1] == ObjectState("pending", message="Ray is starting")
    running(server, name)
    await run.until("running")


@pytest.mark.slow
async def test_silent_node_of_a_worker_is_said(server: ApiServer, ray: Any) -> None:
    run = ray()
    name = await created(server)
    running(server, name)
    await run.until("running")
    conditions = [{"type": "Ready", "status": "False"}]
    pod = server.pod(name, "rayjobs", "worker-x1", phase="Running", conditions=conditions)
    server.event("Pod", pod, "NodeNotReady", "Node is not ready")
    await run.until("node-silent")
    assert not run.task.done()
