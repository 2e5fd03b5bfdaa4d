"""The failure table in docs/operations.md, what kubelets and nodes do: no sandbox, no volume, no claim, no node any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.apiserver import ApiServer
from support.watched import QUICK, created, disrupted, looked

from verif.cluster.state import ObjectState
from verif.cluster.vigil import Patience, Vigil

SANDBOX = 'Failed to create pod sandbox: plugin type="cni" failed: no IP addresses available'
MOUNT = 'MountVolume.SetUp failed for volume "pv-1": mount failed: exit status 32: connection timed out'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "words", "cause"),
    [("FailedCreatePodSandBox", SANDBOX, "sandbox"), ("FailedMount", MOUNT, "volume"),
     ("FailedAttachVolume", "Multi-Attach error for volume pv-1", "volume")],
)  # fmt: skip
async def test_pod_that_cannot_start_ends_with_the_kubelets_words_and_cleans_up(
    server: ApiServer, start: Any, reason: str, words: str, cause: str
) -> None:
    run = start(patience=replace(QUICK, stuck_s=1.2))
    name = await created(server)
    pod = server.pod(name, phase="Pending", conditions=[{"type": "PodScheduled", "status": "True"}])
    server.event("Pod", pod, "Scheduled", "Successfully assigned verif/x to gpu-3")
    server.event("Pod", pod, reason, words)
    await run.until(cause)  # said before it fails
    message = await run.error()
    assert f"({cause})" in message
    assert words in message
    assert not server.objects


@pytest.mark.slow
async def test_trouble_that_passes_is_never_said(server: ApiServer, start: Any) -> None:
    run = start(patience=replace(QUICK, say_s=60, stuck_s=60))
    name = await created(server)
    pod = server.pod(name, phase="Pending")
    server.event("Pod", pod, "FailedMount", "failed to sync configmap cache: timed out")
    await looked(server)
    server.event("Pod", pod, "Pulling", "Pulling image")
    await looked(server)
    server.pod(name, phase="Running")
    await run.until("running")
    assert {s.cause for s in run.states} == {""}, run.states
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    ['0/4 nodes are available: persistentvolumeclaim "verif-checkpoints" not found.',
     "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims."],
)  # fmt: skip
async def test_missing_claim_does_not_wait_a_day(server: ApiServer, start: Any, words: str) -> None:
    run = start(patience=replace(QUICK, unschedulable_s=86400))
    name = await created(server)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    server.pod(name, phase="Pending", conditions=[condition])
    message = await run.error()
    assert "(claim)" in message
    assert words.rstrip(".") in message
    assert not server.objects


def not_ready() -> dict[str, Any]:
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}


@pytest.mark.slow
async def test_silent_node_is_said_and_when_it_comes_back_the_stage_goes_on(
    server: ApiServer, start: Any
) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    pod = server.pod(name, **not_ready())
    server.event("Pod", pod, "NodeNotReady", "Node is not ready")
    await run.until("node-silent")
    assert "Node is not ready" in run.states[-1].message
    assert run.states[-1].phase == "running"
    await asyncio.sleep(0.6)
    assert not run.task.done(), "a silent node may come back"
    server.pod(name, phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    await looked(server)
    assert run.states[-1] == ObjectState("running")
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.slow
async def test_lost_nodes_pod_is_given_up_long_after_its_deletion(server: ApiServer, start: Any) -> None:
    run = start(patience=replace(QUICK, lost_s=1.5))
    first = await created(server)
    status = disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
    server.pod(first, deleted=True, **status)
    await run.until("node-lost")
    second = await created(server, 2)  # the first Job never got a condition
    assert any(s.phase == "running" and "NoExecute taint" in s.message for s in run.states)
    await asyncio.sleep(0.3)
    assert ("jobs", first) not in server.objects, "the lost Job would hold its GPUs, or come back"
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.parametrize(
    ("words", "key"),
    [("Pod ephemeral local storage usage exceeds the total limit of containers 200Gi.", "scratch_gb"),
     ('Usage of EmptyDir volume "workspace" exceeds the limit "200Gi".', "scratch_gb"),
     ('Container stage exceeded its local ephemeral storage limit "200Gi".', "scratch_gb"),
     ('Usage of EmptyDir volume "shm" exceeds the limit "32Gi".', "shared_memory_gb")],
)  # fmt: skip
async def test_overfilled_scratch_is_its_own_doing(
    server: ApiServer, start: Any, words: str, key: str
) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Failed", reason="Evicted", message=words)
    server.condition("jobs", name, "Failed", "BackoffLimitExceeded")
    message = await run.error()
    assert "(scratch)" in message
    assert words.rstrip(".") in message
    assert f"Raise {key}" in message
    assert len(server.created) == 1


async def test_nodes_that_are_full_are_still_the_clusters_doing(server: ApiServer, start: Any) -> None:
    run = start()
    first = await created(server)
    status = disrupted("TerminationByKubelet", "The node was low on resource: ephemeral-storage.")
    server.pod(first, **status | {"phase": "Failed", "reason": "Evicted"})
    server.condition("jobs", first, "Failed", "PodFailurePolicy", "matched rule")
    await created(server, 2)
    assert [s.cause for s in run.states if s.phase == "failed"] == ["evicted"]


def test_a_minute_before_it_is_said_and_ten_before_it_fails() -> None:
    now, said = [0.0], []
    vigil = Vigil("x", said.append, Patience(), lambda: now[0])

    def at(seconds: float, state: ObjectState) -> ObjectState:
        now[0] = seconds
        return vigil.see(state)

    at(0, ObjectState("pending", "sandbox", "first words"))
    at(50, ObjectState("pending", "sandbox", "other words"))
    assert said == []
    at(61, ObjectState("pending", "sandbox", "words 61"))
    at(70, ObjectState("pending", "sandbox", "words 70"))
    assert [s.message for s in said] == ["words 61"]
    assert not at(599, ObjectState("pending", "sandbox", "x")).final
    gone = at(601, ObjectState("pending", "sandbox", "the last words"))
    assert (gone.phase, gone.cause, gone.message) == ("failed", "sandbox", "the last words (for 600 s)")
    assert not gone.retriable
    assert not at(700, ObjectState("running", "node-silent", "silent")).final
    assert not at(9000, ObjectState("running", "node-silent", "silent")).final
    at(9001, ObjectState("running", "node-lost", "to be deleted"))
    lost = at(9602, ObjectState("running", "node-lost", "to be deleted"))
    assert lost.retriable


def test_a_state_says_phase_cause_and_words() -> None:
    assert str(ObjectState("pending", "image", "ErrImagePull: manifest unknown")) == (
        "pending (image): ErrImagePull: manifest unknown"
    )
    assert (
        str(ObjectState("suspended", "queue", "waiting in queue team-a."))
        == "suspended: waiting in queue team-a."
    )
    assert str(ObjectState("running")) == "running"
