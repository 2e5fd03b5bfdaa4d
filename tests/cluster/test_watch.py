"""The failure table in docs/cluster.md, what happens to a stage's pods: against a server that speaks the API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from cluster_apiserver import ApiServer
from watched import QUICK, created

from verif.cluster.assess import State
from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest
from verif.cluster.watch import execute


async def test_success_waits_through_success_criteria_met(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    server.condition("jobs", name, "SuccessCriteriaMet")
    await asyncio.sleep(0.4)
    assert not run.task.done()
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


async def test_suspended_by_the_queue_is_not_a_failure(
    server: ApiServer, start: Any, kube: Kube, request_: StageRequest, cluster: Cluster
) -> None:
    queued = cluster.model_copy(update={"queue": "team-a"})
    states: list[State] = []
    task = asyncio.create_task(execute(kube, request_, queued, states.append, 1, QUICK))
    name = await created(server)
    await asyncio.sleep(1.2)
    assert not task.done()
    assert states[-1].phase == "suspended"
    assert "team-a" in states[-1].message
    server.update("jobs", name, spec={"suspend": False})
    server.pod(name, phase="Running")
    await asyncio.sleep(0.5)
    assert states[-1].phase == "running"
    server.condition("jobs", name, "Complete")
    assert (await task).phase == "succeeded"


async def test_missing_image_ends_with_the_kubelets_words_and_cleans_up(
    server: ApiServer, start: Any
) -> None:
    run = start()
    name = await created(server)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x@sha256:0"'}}
    server.pod(name, phase="Pending", containerStatuses=[{"name": "stage", "state": waiting}])
    message = await run.error()
    assert "ImagePullBackOff" in message
    assert "Back-off pulling image" in message
    assert not server.objects


async def test_unschedulable_is_reported_and_waits_its_own_patience(server: ApiServer, start: Any) -> None:
    run = start(patience=replace(QUICK, unschedulable_s=1.5))
    name = await created(server)
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/4 nodes: 4 Insufficient nvidia.com/gpu",
    }
    server.pod(name, phase="Pending", conditions=[condition])
    await run.until("unschedulable")
    await asyncio.sleep(0.6)
    assert not run.task.done()
    assert "Insufficient nvidia.com/gpu" in await run.error()


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("EvictionByEvictionAPI", "evicted"),
        ("TerminationByKubelet", "evicted"),
        ("PreemptionByScheduler", "preempted"),
        ("DeletionByTaintManager", "node-lost"),
    ],
)
async def test_what_the_cluster_did_is_tried_again_under_a_new_name(
    server: ApiServer, start: Any, reason: str, cause: str
) -> None:
    run = start()
    first = await created(server)
    server.pod(
        first,
        phase="Failed",
        conditions=[{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "drained"}],
    )
    server.condition("jobs", first, "Failed", "PodFailurePolicy", "matched rule")
    second = await created(server, 2)
    assert second != first
    assert second.rsplit("-", 1)[0] == first.rsplit("-", 1)[0]
    assert any(s.cause == cause for s in run.states)
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


async def test_eviction_is_not_retried_for_ever(server: ApiServer, start: Any) -> None:
    run = start(attempts=2)
    for n in (1, 2):
        name = await created(server, n)
        server.pod(name, phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
        server.condition(
            "jobs", name, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        )
    assert "low on resource" in await run.error()
    assert len(server.created) == 2


@pytest.mark.parametrize("reason", ["OOMKilled", "Error"])
async def test_out_of_memory_says_what_to_change_and_is_not_retried(
    server: ApiServer, start: Any, reason: str
) -> None:
    run = start()
    name = await created(server)
    ended = {"terminated": {"exitCode": 137, "reason": reason}}
    server.pod(name, phase="Failed", containerStatuses=[{"name": "stage", "state": ended}])
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "(oom)" in message
    assert "memory_gb" in message
    assert len(server.created) == 1


async def test_exit_code_brings_the_end_of_the_log(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    ended = {"terminated": {"exitCode": 2, "reason": "Error", "message": "verif: the judge is unfit"}}
    server.pod(name, phase="Failed", containerStatuses=[{"name": "stage", "state": ended}])
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "exit code 2" in message
    assert "the judge is unfit" in message
    assert "RuntimeError: CUDA error" in message


async def test_deadline(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.condition(
        "jobs", name, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    )
    assert "(deadline)" in await run.error()
    assert len(server.created) == 1
