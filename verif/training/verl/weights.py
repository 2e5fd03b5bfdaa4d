"""Weights from the trainer to a generator on other devices: one broadcast a tensor, over NCCL on GPUs and gloo on CPU.

veRL's own `nccl` engine needs cupy, which its pins do not install, and runs on NVIDIA alone. This one is torch's process
groups, made for the purpose and beside those of training; what a tensor is called and looks like goes through their store.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import ray
import torch
from torch.distributed import ProcessGroupGloo, TCPStore  # type: ignore[attr-defined]
from verl.checkpoint_engine.base import CheckpointEngine, CheckpointEngineRegistry
from verl.utils.device import get_device_name

from verif.system.loopback import LOOPBACK, listening

NAME = "verif"
PATIENCE = timedelta(minutes=10)
"""For every receiver to come, and for one tensor."""


@CheckpointEngineRegistry.register(NAME)  # type: ignore[untyped-decorator]
class Broadcast(CheckpointEngine):  # type: ignore[misc]
    """One sender, the trainer's first worker; every worker of the generator receives all tensors, in the sender's order."""

    def __init__(self, bucket_size: int = 0, is_master: bool = False) -> None:
        del bucket_size  # tensors are sent as they are
        self.is_master = is_master
        self.store: TCPStore | None = None
        self.group: Any = None  # a process group of torch
        self.rank = -1

    def prepare(self) -> dict[str, Any]:
        """The sender's address, from its worker alone; a store of its own for each time that weights go out."""
        if not self.is_master:
            return {}
        host = ray.util.get_node_ip_address().strip("[]")
        alone: dict[str, Any] = {"master_listen_fd": listening(0)} if host in LOOPBACK else {}
        self.store = TCPStore(host, 0, None, True, timeout=PATIENCE, wait_for_workers=False, **alone)
        return {"host": host, "port": self.store.port}

    @classmethod
    def build_topology(
        cls, actor_wg_world_size: int, rollout_world_size: int, metadata: list[Any]
    ) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Rank 0 sends, 1 and above receive, and the trainer's other workers (-1) only take part in gathering."""
        size = 1 + rollout_world_size
        sender: dict[str, list[Any]] = {"rank": [0] + [-1] * (actor_wg_world_size - 1)}
        receiver: dict[str, list[Any]] = {"rank": list(range(1, size))}
        for ranks in (sender, receiver):
            ranks["size"] = [size] * len(ranks["rank"])
            ranks["address"] = [metadata[0]] * len(ranks["rank"])
        return sender, receiver

    def init_process_group(self, rank: int, size: int, address: dict[str, Any]) -> None:  # type: ignore[override]
        """Join; returns when all are there."""
        self.rank = rank
        if rank < 0:
            return
        if rank:
            self.store = TCPStore(address["host"], address["port"], None, False, timeout=PATIENCE)
        assert self.store is not None
        self.group = _group(self.store, rank, size)
        self.group.barrier().wait()

    def joined(self) -> tuple[TCPStore, Any]:
        """What `init_process_group` made; the manager calls that first."""
        if self.store is None or self.group is None:
            raise RuntimeError("weights are sent before the workers have joined")
        return self.store, self.group

    def finalize(self) -> None:
        """Leave: the next sync makes groups anew, so that a generator that was replaced is no trouble."""
        self.group = self.store = None

    async def send_weights(
        self, weights: Iterable[tuple[str, torch.Tensor]], global_steps: int | None = None
    ) -> None:
        """Send all tensors. Every worker of the trainer goes through them, as gathering one takes all workers."""
        del global_steps
        count = 0
        for name, tensor in weights:
            if self.rank:
                continue
            store, group = self.joined()
            whole = tensor.detach().to(get_device_name()).contiguous()
            header = [name, str(whole.dtype).removeprefix("torch."), list(whole.shape)]
            store.set(str(count), json.dumps(header))
            group.broadcast(whole, 0).wait()
            count += 1
        if not self.rank:
            store, group = self.joined()
            store.set(str(count), "null")
            _settled()
            group.barrier().wait()  # the store stays until everybody has read its end

    async def receive_weights(  # type: ignore[override]  # veRL's hint is none of an async generator
        self, global_steps: int | None = None
    ) -> AsyncIterator[tuple[str, torch.Tensor]]:
        """All tensors, each a new one on this process's device."""
        del global_steps
        store, group = self.joined()
        count = 0
        while (header := json.loads(store.get(str(count)))) is not None:
            name, dtype, shape = header
            whole = torch.empty(shape, dtype=getattr(torch, dtype), device=get_device_name())
            group.broadcast(whole, 0).wait()
            _settled()
            yield name, whole
            count += 1
        group.barrier().wait()


def _group(store: TCPStore, rank: int, size: int) -> Any:
    """A process group that torch's own bookkeeping does not know of: training has its default one already."""
    if get_device_name() == "cpu":
        return ProcessGroupGloo(store, rank, size, PATIENCE)
    from torch.distributed import ProcessGroupNCCL  # not in torch's builds for CPU

    options = ProcessGroupNCCL.Options()
    options._timeout = PATIENCE
    return ProcessGroupNCCL(store, rank, size, options)


def _settled() -> None:
    """NCCL's `wait` only puts a tensor in order before what this stream does next; another process reads it, too."""
    if get_device_name() != "cpu":
        torch.cuda.synchronize()
