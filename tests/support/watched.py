"""A stage being executed against the stand-in API server, for the tests of the watcher."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from support.apiserver import ApiServer

from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.request import StageRequest
from verif.cluster.state import ObjectState
from verif.cluster.vigil import Patience
from verif.cluster.watch import execute
from verif.errors import ClusterError

QUICK = Patience(poll_s=0.3, say_s=0.2, stuck_s=0.4, lost_s=0.4, unschedulable_s=0.4)


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
        self.states: list[ObjectState] = []
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


async def looked(server: ApiServer) -> None:
    """The watcher has seen the pods as they are now; an update of the objects wakes it before its next poll."""
    before, end = server.looks, time.monotonic() + 5
    while server.looks < before + 2:  # the look under way may have begun earlier
        assert time.monotonic() < end
        for plural, name in server.objects:
            server.update(plural, name)
        await asyncio.sleep(0.05)


def disrupted(reason: str, message: str = "drained", status: str = "True") -> dict[str, Any]:
    """What a pod's status shows once the cluster is about to end it (or no longer is: status False)."""
    condition = {"type": "DisruptionTarget", "status": status, "reason": reason, "message": message}
    return {"phase": "Running", "conditions": [condition]}


def ended(container: str, code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """The status of a container that has ended."""
    terminated = {"exitCode": code, "reason": reason, "message": message}
    return {"name": container, "state": {"terminated": terminated}}


def waiting(container: str, reason: str, message: str = "") -> dict[str, Any]:
    """The status of a container that waits."""
    return {"name": container, "state": {"waiting": {"reason": reason, "message": message}}}
