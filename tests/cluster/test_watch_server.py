"""The failure table in docs/operations.md, what happens between us and the API server; restarts, cancelling."""

from __future__ import annotations

import asyncio
import pickle
import sys
import time
from typing import Any

import pytest
from support.apiserver import ApiServer, failure
from support.watched import created

from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest


@pytest.mark.slow
async def test_api_server_down_for_a_while_is_waited_out(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.down = True
    await asyncio.sleep(1.5)
    assert not run.task.done()
    server.down = False
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 8)).phase == "succeeded"


@pytest.mark.slow
async def test_api_server_gone_for_good_says_so(server: ApiServer, start: Any) -> None:
    run = start()
    await created(server)
    server.down = True
    assert "API server" in await run.error()


@pytest.mark.slow
async def test_watch_expired_410_lists_again(server: ApiServer, start: Any) -> None:
    server.watch_gone = True
    run = start()
    name = await created(server)
    await asyncio.sleep(0.5)
    assert not server.watch_gone
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.slow
async def test_watch_broken_in_the_middle_of_a_line(server: ApiServer, start: Any) -> None:
    server.drop_watch = True
    run = start()
    name = await created(server)
    await asyncio.sleep(0.5)
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"
    assert server.watches < 20, "a broken stream became a busy loop"


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("quota", 'pods "x" is forbidden: exceeded quota: gpu'),
        ("admission", 'admission webhook "policy.example" denied the request: image not signed'),
    ],
)
async def test_pod_refused(server: ApiServer, start: Any, cause: str, words: str) -> None:
    run = start()
    name = await created(server)
    server.event("Job", name, "FailedCreate", f"Error creating: {words}")
    message = await run.error()
    assert f"({cause})" in message
    assert words in message
    assert not server.objects


async def test_admission_refused(server: ApiServer, start: Any) -> None:
    server.refuse_create = failure(
        422, "Invalid", 'admission webhook "policy.example" denied the request: image not signed'
    )
    assert "image not signed" in await start().error()


@pytest.mark.slow
async def test_deleted_by_hand(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    server.remove("jobs", name)
    assert "(deleted)" in await run.error()
    assert len(server.created) == 1


@pytest.mark.slow
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
from verif.cluster.vigil import Patience
from verif.cluster.watch import execute
url, request, cluster = pickle.load(sys.stdin.buffer)
async def main():
    kube = Kube(client.ApiClient(client.Configuration(host=url)), "verif", 4)
    await execute(kube, request, cluster, lambda state: print(state.phase, flush=True), 3, Patience(poll_s=0.3))
asyncio.run(main())
"""


@pytest.mark.slow
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


@pytest.mark.slow
async def test_cancelling_deletes_the_job_and_its_pods(server: ApiServer, start: Any) -> None:
    run = start()
    name = await created(server)
    server.pod(name, phase="Running")
    await run.until("running")
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    assert not server.objects
