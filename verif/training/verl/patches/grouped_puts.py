"""Rollouts that end within a moment of each other go into veRL's queue together.

veRL puts each rollout into TransferQueue by itself: a dozen messages between three processes, and on two cores a third
of a small model's step. What ends within `WINDOW_S` is put by one call; the rows and their tags are the same.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.trainer.ppo.v1.agent_loop_tq"
WHERE = "verl/trainer/ppo/v1/agent_loop_tq.py:222"
WINDOW_S = 0.1


def apply() -> None:
    """Put a gathering queue where the agent loops see TransferQueue."""
    import transfer_queue
    import verl.trainer.ppo.v1.agent_loop_tq as loops

    make = loops.list_of_dict_to_tensordict  # type: ignore[attr-defined]
    loops.tq = GatheringQueue(transfer_queue, make)  # type: ignore[attr-defined]
    loops.list_of_dict_to_tensordict = list  # type: ignore[attr-defined, assignment]


@dataclass
class Waiting:
    """Rows of one partition with the same fields, and the call that will put them."""

    keys: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    put: asyncio.Task[Any] | None = None


class GatheringQueue:
    """`transfer_queue` as the agent loops use it; rows, given as dicts, are put a moment later with those beside them."""

    def __init__(self, queue: Any, make: Callable[[list[dict[str, Any]]], Any]) -> None:
        self._queue, self._make = queue, make
        self._waiting: dict[tuple[str, tuple[str, ...]], Waiting] = defaultdict(Waiting)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # a copy that is being unpickled has nothing yet
            raise AttributeError(name)
        return getattr(self._queue, name)

    async def async_kv_batch_put(
        self,
        keys: Sequence[str],
        partition_id: str,
        fields: Sequence[dict[str, Any]],
        tags: Sequence[dict[str, Any]],
    ) -> None:
        """Returns when the rows are in the queue; raises what putting them raised."""
        kind = (partition_id, tuple(fields[0]))
        waiting = self._waiting[kind]
        waiting.keys += keys
        waiting.rows += fields
        waiting.tags += tags
        if waiting.put is None:
            waiting.put = asyncio.create_task(self._soon(kind))
        await asyncio.shield(waiting.put)

    async def _soon(self, kind: tuple[str, tuple[str, ...]]) -> None:
        await asyncio.sleep(WINDOW_S)
        waiting = self._waiting.pop(kind)  # whoever comes while these are being put waits for the next call
        await self._queue.async_kv_batch_put(
            keys=waiting.keys, fields=self._make(waiting.rows), tags=waiting.tags, partition_id=kind[0]
        )
