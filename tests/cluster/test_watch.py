"""Every line of the failure table in docs/cluster.md, against a server that speaks the API."""

from __future__ import annotations

import asyncio
import pickle
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from cluster_apiserver import ApiServer, failure

from verif.cluster.assess import State
from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest
from verif.cluster.watch import Patience, execute
from verif.errors import ClusterError

QUICK = Patience(poll_s=0.3, stuck_s=0.4, unschedulable_s=0.4)


class Run:
    """A stage being executed, with the states it reported."""

    def __init__(
        self,
        kube: Kube,
        request: StageRequest,
        cluster: Cluster,
        patience: Patience = QUICK,
        attempts: int = 3,
    ):
        self.states: list[State] = []
        self.task = asyncio.create_task(
            execute(kube, request, cluster, self.states.append, attempts, patience)
        )

    async def until(self, what: str) -> None:
        end = time.monotonic() + 5
        while not any(what in (s.phase, s.cause) for s in self.states):
            assert time.monotonic() < end, f"never {what}: {self.states}"
            assert not self.task.done() or what in ("succeeded", "failed"), self.task.exception()
            await asyncio.sleep(0.02)

    async def error(self) -> str:
        with pytest.raises(ClusterError) as caught:
            await asyncio.wait_for(self.task, 10)
        return str(caught.value)


async def created(server: ApiServer, n: int = 1, plural: str = "jobs") -> str:
    end = time.monotonic() + 5
    while len(server.created) < n:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    return server.created[-1]


@pytest.fixture
def start(kube: Kube, request_: StageRequest, cluster: Cluster) -> Any:
    runs: list[Run] = []

    def go(**options: Any) -> Run:
        runs.append(Run(kube, options.pop("request", request_), cluster, **options))
        return runs[-1]

    yield go
    for run in runs:
        run.task.cancel()


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


async def test_api_server_down_for_a_while_is_waited_out(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.down = True
    await asyncio.sleep(1.5)
    assert not run.task.done()
    server.down = False
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 8)).phase == "succeeded"


async def test_api_server_gone_for_good_says_so(server: ApiServer, start: Any) -> None:
    run = start()
    await created(server)
    server.down = True
    assert "API server" in await run.error()


async def test_watch_expired_410_lists_again(server: ApiServer, start: Any) -> None:
    server.watch_gone = True
    run = start()
    name = await created(server)
    await asyncio.sleep(0.5)
    assert not server.watch_gone
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


async def test_watch_broken_in_the_middle_of_a_line(server: ApiServer, start: Any) -> None:
    server.drop_watch = True
    run = start()
    name = await created(server)
    await asyncio.sleep(0.5)
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"
    assert server.watches < 20, "a broken stream became a busy loop"


async def test_conflict_with_our_own_object_adopts_it(
    server: ApiServer, start: Any, kube: Kube, request_: StageRequest, cluster: Cluster
) -> None:
    first = start()
    name = await created(server)
    second = start()
    await asyncio.sleep(0.4)
    server.condition("jobs", name, "Complete")
    assert (await first.task).phase == (await second.task).phase == "succeeded"
    assert server.created == [name]


async def test_conflict_with_a_stranger_is_an_error(
    server: ApiServer, start: Any, request_: StageRequest
) -> None:
    stranger = {"metadata": {"name": request_.name, "labels": {}}, "spec": {}, "kind": "Job"}
    server.objects["jobs", request_.name] = stranger
    assert "not verif's" in await start().error()


async def test_quota_refused_at_submission(server: ApiServer, start: Any) -> None:
    server.refuse_create = failure(
        403, "Forbidden", 'jobs "x" is forbidden: exceeded quota: gpu, requested: 8, used: 8, limited: 8'
    )
    message = await start().error()
    assert "quota exceeded" in message
    assert "requested: 8" in message


async def test_quota_refused_for_the_pod(server: ApiServer, start: Any) -> None:
    run = start()
    await created(server)
    server.events = [
        {
            "reason": "FailedCreate",
            "message": 'pods "x" is forbidden: exceeded quota: gpu',
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }
    ]
    assert "(quota)" in await run.error()


async def test_admission_refused(server: ApiServer, start: Any) -> None:
    server.refuse_create = failure(
        422, "Invalid", 'admission webhook "policy.example" denied the request: image not signed'
    )
    assert "image not signed" in await start().error()


async def test_deleted_by_hand(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    server.remove("jobs", name)
    assert "(deleted)" in await run.error()
    assert len(server.created) == 1


async def test_silent_logs_mean_nothing(server: ApiServer, start: Any) -> None:
    server.logs_hang = True
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    await asyncio.sleep(1)
    assert not run.task.done()
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


ORCHESTRATOR = """
import asyncio, pickle, sys
from kubernetes_asyncio import client
from verif.cluster.client import Kube
from verif.cluster.watch import Patience, execute
url, request, cluster = pickle.load(sys.stdin.buffer)
async def main():
    kube = Kube(client.ApiClient(client.Configuration(host=url)), "verif", 4)
    await execute(kube, request, cluster, lambda state: print(state.phase, flush=True), 3, Patience(poll_s=0.3))
asyncio.run(main())
"""


async def test_killed_orchestrator_finds_its_job_again_and_never_submits_twice(
    server: ApiServer, start: Any, request_: StageRequest, cluster: Cluster
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORCHESTRATOR, stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(pickle.dumps((server.url, request_, cluster)))
    process.stdin.close()
    end = time.monotonic() + 20
    while not server.created and time.monotonic() < end:
        await asyncio.sleep(0.05)
    first = await created(server)
    server.pod(first, phase="Failed", reason="Evicted")
    server.condition("jobs", first, "Failed", "BackoffLimitExceeded")
    second = await created(server, 2)
    process.kill()
    await process.wait()
    run = start()
    await asyncio.sleep(0.5)
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"
    assert server.created == [first, second]


async def test_running_again_after_a_failure_makes_a_new_attempt(server: ApiServer, start: Any) -> None:
    run = start()
    first = await created(server)
    server.condition("jobs", first, "Failed", "DeadlineExceeded", "too long")
    assert "(deadline)" in await run.error()
    again = start()
    second = await created(server, 2)
    assert second != first
    server.condition("jobs", second, "Complete")
    assert (await asyncio.wait_for(again.task, 5)).phase == "succeeded"
    third = start()
    assert (await asyncio.wait_for(third.task, 5)).phase == "succeeded"
    assert server.created == [first, second]


async def test_cancelling_deletes_the_job_and_its_pods(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert not server.objects


async def test_rayjob_success_and_failure_reasons(
    server: ApiServer, start: Any, request_: StageRequest
) -> None:
    recipe = request_.recipe
    train = recipe.resources["train"].model_copy(update={"nodes": 2})
    ray = replace(request_, recipe=recipe.model_copy(update={"resources": {"train": train}}))
    run = start(request=ray)
    name = await created(server)
    assert ("rayjobs", name) in server.objects
    server.update("rayjobs", name, jobDeploymentStatus="Running", jobStatus="RUNNING")
    await run.until("running")
    server.update("rayjobs", name, jobDeploymentStatus="Complete", jobStatus="SUCCEEDED")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"

    server.objects.clear()
    refused = start(request=ray)
    name = await created(server, 2)
    server.update(
        "rayjobs",
        name,
        jobDeploymentStatus="ValidationFailed",
        reason="ValidationFailed",
        message="entrypoint is empty",
    )
    assert "entrypoint is empty" in await refused.error()
    server.objects.clear()
    app = start(request=ray)
    name = await created(server, 3)
    server.update(
        "rayjobs",
        name,
        jobDeploymentStatus="Failed",
        jobStatus="FAILED",
        reason="AppFailed",
        message="exit status 1",
    )
    assert "exit status 1" in await app.error()
