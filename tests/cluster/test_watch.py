"""The failure table in docs/operations.md, what happens to a stage's pods: against a server that speaks the API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.apiserver import ApiServer
from support.watched import QUICK, created, disrupted, ended, looked, waiting

from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest
from verif.cluster.state import ObjectState
from verif.cluster.watch import execute


@pytest.mark.slow
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


@pytest.mark.slow
async def test_suspended_by_the_queue_is_not_a_failure(
    server: ApiServer, start: Any, kube: Kube, request_: StageRequest, cluster: Cluster
) -> None:
    queued = cluster.model_copy(update={"queue": "team-a"})
    states: list[ObjectState] = []
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


@pytest.mark.slow
async def test_missing_image_ends_with_the_kubelets_words_and_cleans_up(
    server: ApiServer, start: Any
) -> None:
    run = start()
    name = await created(server)
    status = waiting("stage", "ImagePullBackOff", 'Back-off pulling image "x@sha256:0"')
    server.pod(name, phase="Pending", containerStatuses=[status])
    message = await run.error()
    assert "ImagePullBackOff" in message
    assert "Back-off pulling image" in message
    assert not server.objects


@pytest.mark.slow
@pytest.mark.parametrize("statuses", ["containerStatuses", "initContainerStatuses"])
async def test_missing_secret_ends_with_the_kubelets_words_and_cleans_up(
    server: ApiServer, start: Any, statuses: str
) -> None:
    run = start()
    name = await created(server)
    status = waiting("stage", "CreateContainerConfigError", 'secret "dvc-remote" not found')
    server.pod(name, phase="Pending", **{statuses: [status]})
    message = await run.error()
    assert "(config)" in message
    assert 'secret "dvc-remote" not found' in message
    assert not server.objects


@pytest.mark.slow
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
    assert not server.objects


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
    server.pod(first, **disrupted(reason) | {"phase": "Failed"})
    server.condition("jobs", first, "Failed", "PodFailurePolicy", "matched rule")
    second = await created(server, 2)
    assert second != first
    assert second.rsplit("-", 1)[0] == first.rsplit("-", 1)[0]
    assert any(s.cause == cause for s in run.states)
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


DISRUPTED = "Pod verif/x1 has condition DisruptionTarget matching FailJob rule at index 0"


@pytest.mark.slow
async def test_evicted_pod_that_is_gone_before_the_job_has_failed(server: ApiServer, start: Any) -> None:
    run = start()
    first = await created(server)
    server.pod(first, phase="Running")
    await run.until("running")
    server.pods.clear()
    server.condition("jobs", first, "FailureTarget", "PodFailurePolicy", DISRUPTED)
    await looked(server)
    assert run.states[-1] == ObjectState("running", message="finishing")
    server.condition("jobs", first, "Failed", "PodFailurePolicy", DISRUPTED)
    second = await created(server, 2)
    evicted = next(s for s in run.states if s.cause == "evicted")
    assert DISRUPTED in evicted.message
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (disrupted("PreemptionByScheduler"), "preempted"),
        (disrupted("DeletionByTaintManager"), "node-lost"),
        (disrupted("EvictionByEvictionAPI"), "evicted"),
        ({"phase": "Failed", "reason": "NodeShutdown", "message": "Pod was terminated"}, "node-lost"),
    ],
)
@pytest.mark.parametrize("reason", ["PodFailurePolicy", "BackoffLimitExceeded"])
async def test_what_a_pod_said_before_it_was_gone_is_remembered(
    server: ApiServer, start: Any, status: dict[str, Any], cause: str, reason: str
) -> None:
    run = start()
    first = await created(server)
    server.pod(first, **status)
    await looked(server)
    server.pods.clear()
    await looked(server)
    server.condition("jobs", first, "Failed", reason)
    await created(server, 2)
    assert [s.cause for s in run.states if s.phase == "failed"] == [cause]


async def test_pod_gone_without_a_word_is_not_called_an_eviction(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await looked(server)
    server.pods.clear()
    server.condition(
        "jobs", name, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    )
    message = await run.error()
    assert "(unknown)" in message
    assert "specified backoff limit" in message
    assert len(server.created) == 1


async def test_disruption_that_was_called_off_explains_nothing(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, **disrupted("PreemptionByScheduler"))
    await looked(server)
    server.pod(name, **disrupted("PreemptionByScheduler", status="False"))
    await looked(server)
    server.pods.clear()
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    assert "(unknown)" in await run.error()


@pytest.mark.slow
async def test_pods_from_before_a_suspension_explain_no_later_failure(
    server: ApiServer, start: Any, kube: Kube, request_: StageRequest, cluster: Cluster
) -> None:
    run = start(cluster=cluster.model_copy(update={"queue": "team-a"}))
    name = await created(server)
    server.update("jobs", name, spec={"suspend": False})
    server.pod(name, **disrupted("EvictionByEvictionAPI"))
    await looked(server)
    server.update("jobs", name, spec={"suspend": True})
    server.pods.clear()
    await looked(server)
    server.update("jobs", name, spec={"suspend": False})
    await looked(server)
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    assert "(unknown)" in await run.error()


async def test_pod_deleted_by_hand_is_not_called_out_of_memory(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, deleted=True, phase="Failed", containerStatuses=[ended("stage", 137)])
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "(deleted)" in message
    assert "memory_gb" not in message
    assert len(server.created) == 1


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
    server.pod(name, phase="Failed", containerStatuses=[ended("stage", 137, reason)])
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "(oom)" in message
    assert "memory_gb" in message
    assert len(server.created) == 1


@pytest.mark.parametrize("statuses", ["containerStatuses", "initContainerStatuses"])
async def test_exit_code_brings_the_end_of_the_log(server: ApiServer, start: Any, statuses: str) -> None:
    run = start()
    name = await created(server)
    status = ended("stage", 2, message="verif: the judge is unfit")
    server.pod(name, phase="Failed", **{statuses: [status]})
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "exit code 2" in message
    assert "the judge is unfit" in message
    assert "RuntimeError: CUDA error" in message


async def test_exit_code_of_a_pod_that_is_gone_is_remembered(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Failed", containerStatuses=[ended("stage", 2, message="verif: no data")])
    await looked(server)
    server.pods.clear()
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "(exit)" in message
    assert "verif: no data" in message


async def test_deadline(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.condition(
        "jobs", name, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    )
    assert "(deadline)" in await run.error()
    assert len(server.created) == 1
