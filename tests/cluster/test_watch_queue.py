"""The failure table in docs/operations.md, Kueue: its reasons are those of the Workload that it makes for a Job."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from support.apiserver import ApiServer
from support.watched import Run, created

from verif.cluster.kueue import waiting_for

FULL = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h800, 8 more needed"


@pytest.fixture
def queued(start: Any, cluster: Any) -> Any:
    return lambda: start(cluster=cluster.model_copy(update={"queue": "team-a"}))


async def says(run: Run, words: str) -> None:
    end = time.monotonic() + 5
    while not any(words in s.message for s in run.states):
        assert time.monotonic() < end, run.states
        await asyncio.sleep(0.02)
    assert run.states[-1].phase == "suspended"
    assert "team-a" in run.states[-1].message


@pytest.mark.slow
async def test_events_of_the_workload_where_workloads_may_not_be_read(server: ApiServer, queued: Any) -> None:
    from support.apiserver import failure

    server.refusals = [("workloads", failure(403, "Forbidden", "workloads is forbidden"))]
    run = queued()
    name = await created(server)
    server.event("Workload", "job-somebody-elses-1-aaaaa", "Pending", "not ours", "kueue-admission")
    server.event("Workload", f"job-{name}-1a2b3", "Pending", FULL, "kueue-admission")
    server.event("Workload", f"job-{name}-1a2b3", "Other", "of another controller", "somebody")
    await says(run, FULL)
    assert server.refusals == []
    assert not run.task.done()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [("QuotaReserved", "LocalQueue team-a doesn't exist"), ("QuotaReserved", FULL),
     ("Admitted", "The workload has not all checks ready")],
)  # fmt: skip
async def test_condition_of_the_workload(server: ApiServer, queued: Any, kind: str, words: str) -> None:
    run = queued()
    name = await created(server)
    owner = {"kind": "Job", "name": name, "uid": server.objects["jobs", name]["metadata"]["uid"]}
    other = {"metadata": {"name": "job-other-1", "ownerReferences": [{"uid": "another"}]}, "status": {
        "conditions": [{"type": "QuotaReserved", "status": "False", "message": "not ours"}]}}  # fmt: skip
    conditions = [{"type": kind, "status": "False", "reason": "Pending", "message": words}]
    ours = {
        "metadata": {"name": f"job-{name}-1a2b3", "ownerReferences": [owner]},
        "status": {"conditions": conditions},
    }
    server.workloads = [other, ours]
    await says(run, words)
    assert not any("not ours" in s.message for s in run.states)
    server.update("jobs", name, spec={"suspend": False})
    server.pod(name, phase="Running")
    await run.until("running")
    server.condition("jobs", name, "Complete")
    assert (await asyncio.wait_for(run.task, 5)).phase == "succeeded"


@pytest.mark.slow
async def test_older_kueue_is_asked_in_its_own_version(server: ApiServer, queued: Any) -> None:
    from support.apiserver import failure

    server.refusals = [("kueue.x-k8s.io/v1beta2", failure(404, "NotFound", "404 page not found"))]
    run = queued()
    name = await created(server)
    server.event("Workload", f"job-{name}-1a2b3", "Pending", FULL, "kueue-admission")
    await says(run, FULL)  # v1beta1 is not served either by the stand-in: what the events say is enough
    assert server.asked[:2] == ["v1beta2", "v1beta1"]


def test_an_admitted_workload_waits_for_nothing() -> None:
    done = {"status": {"conditions": [{"type": "QuotaReserved", "status": "True", "message": "reserved"}]}}
    assert waiting_for(done) == waiting_for({}) == ""
