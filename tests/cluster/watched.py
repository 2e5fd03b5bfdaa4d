"""A stage being executed against the stand-in API server, for the tests of the watcher."""

from __future__ import annotations

import asyncio
import time

import pytest
from cluster_apiserver import ApiServer

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
