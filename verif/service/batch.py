"""What arrives within a few milliseconds is verified together.

A trainer sends one rollout per request, each when it is finished; the verifier works best by instruction.
The batcher waits a moment, joins what came, and hands each answer back to the request it belongs to. Batches
do not wait for each other.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from verif.core.verifier import Verifier
from verif.types import Item, Status, Verification

log = logging.getLogger("verif.service")

WINDOW_S = 0.004
FULL = 512
"""Items after which a batch does not wait any longer."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item under an internal id, and where its answer goes."""

    id: str
    queue: asyncio.Queue[Verification | BaseException]


class Batcher:
    """Joins requests into batches for one verifier.

    `pending` counts items that have no answer yet, `peak` is the most there have been. `proved` says when
    each part last gave a real verdict (`parts_of`, monotonic seconds).
    """

    def __init__(self, verifier: Verifier, window_s: float = WINDOW_S) -> None:
        self.verifier, self.window_s = verifier, window_s
        self.pending = self.peak = self.batches = 0
        self.proved: dict[str, float] = {}
        self._numbers = itertools.count()
        self._new: dict[tuple[bool, bool], list[tuple[Item, _Asked]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def verify(
        self, items: Sequence[Item], *, cache: bool, complete: bool
    ) -> AsyncIterator[list[Verification]]:
        """What is finished, as it is finished; the items may be verified together with those of other requests.

        They are pending when this returns, before anything is awaited, and until each has its answer, whether
        or not somebody still reads it. The iterator raises `ConnectionAbortedError` if the batch could not be
        finished (the rest is to be asked again).
        """
        queue: asyncio.Queue[Verification | BaseException] = asyncio.Queue()
        waiting = self._new.setdefault((cache, complete), [])
        self.pending += len(items)
        self.peak = max(self.peak, self.pending)
        for item in items:
            number = str(next(self._numbers))
            waiting.append((_named(item, number), _Asked(item.id, queue)))
        if len(waiting) >= FULL:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.window_s, self._flush)
        return _answers(queue, len(items))

    async def close(self, grace_s: float) -> None:
        """Let running batches finish for a while, then cancel them (their requests end unfinished)."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for (cache, complete), entries in self._new.items():
            task = asyncio.create_task(self._run(entries, cache, complete))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self.batches += 1
        self._new = {}

    async def _run(self, entries: list[tuple[Item, _Asked]], cache: bool, complete: bool) -> None:
        asked = {item.id: where for item, where in entries}
        try:
            async for found in self.verifier.verify(
                [item for item, _ in entries], cache=cache, complete=complete
            ):
                where = asked.pop(found.id)
                self.pending -= 1
                self.proved.update(dict.fromkeys(parts_of(found), time.monotonic()))
                answer = Verification.model_construct(
                    id=where.id, verdicts=found.verdicts, reward=found.reward
                )
                where.queue.put_nowait(answer)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                log.exception("a batch failed")
            self.pending -= len(asked)
            for where in asked.values():
                where.queue.put_nowait(ConnectionAbortedError(f"the batch failed: {error}"))
            if isinstance(error, asyncio.CancelledError):
                raise


async def _answers(
    queue: asyncio.Queue[Verification | BaseException], left: int
) -> AsyncIterator[list[Verification]]:
    while left:
        ready = [await queue.get()]
        while not queue.empty():
            ready.append(queue.get_nowait())
        found = [answer for answer in ready if not isinstance(answer, BaseException)]
        left -= len(ready)
        if found:
            yield found
        for answer in ready:
            if isinstance(answer, BaseException):
                raise answer


def parts_of(found: Verification) -> set[str]:
    """The parts that really decided just now: `rule`, `checker`, `judge`; of a cascade `small` and `large`."""
    out = set()
    for verdict in found.verdicts:
        if verdict.status in (Status.PASS, Status.FAIL) and not verdict.cost.cached:
            by = verdict.evidence.get("by") if verdict.part.startswith("judge:") else None
            out.add(by or verdict.part.partition(":")[0])
            if "small_p_pass" in verdict.evidence:
                out.add("small")
    return out


def _named(item: Item, id: str) -> Item:
    """The same item under another id (not validated again: it was)."""
    return Item.model_construct(id=id, instruction=item.instruction, response=item.response)
