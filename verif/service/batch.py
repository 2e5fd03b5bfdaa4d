"""What arrives within a few milliseconds is verified together.

A trainer sends one rollout per request, each when it is finished; the verifier works best by instruction.
The batcher waits a moment, joins what came from one client, and hands each answer back to the request it belongs
to. Batches do not wait for each other. What nobody waits for any more is not begun.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from verif.core.judge.limit import OWNER
from verif.core.verifier import Verifier
from verif.service.limits import REQUEST_S
from verif.service.places import Places
from verif.types import Item, Status, Verification

log = logging.getLogger("verif.service")

WINDOW_S = 0.004
FULL = 512
"""Items after which a batch does not wait any longer."""


@dataclass(slots=True)
class _Request:
    """Where the answers of a request go, until nobody wants them."""

    queue: asyncio.Queue[Verification | BaseException] = field(default_factory=asyncio.Queue)
    gone: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item under an internal id, and the request it belongs to."""

    id: str
    request: _Request


class Batcher:
    """Joins requests into batches for one verifier.

    `places` holds the items without an answer by client (`pending` of them), `peak` is the most there have been.
    `proved` says when each part last gave a real verdict (`parts_of`, monotonic seconds).
    """

    def __init__(self, verifier: Verifier, window_s: float = WINDOW_S, most: int = 8192) -> None:
        self.verifier, self.window_s = verifier, window_s
        self.places = Places(most)
        self.peak = self.batches = 0
        self.proved: dict[str, float] = {}
        self._numbers = itertools.count()
        self._new: dict[tuple[str, bool, bool], list[tuple[Item, _Asked]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """Items that have no answer yet."""
        return self.places.held

    def verify(
        self,
        items: Sequence[Item],
        *,
        cache: bool,
        complete: bool,
        client: str = "",
        seconds: float = REQUEST_S,
    ) -> AsyncIterator[list[Verification]]:
        """What is finished, as it is finished; the items may be verified together with others of the client.

        They are pending when this returns, before anything is awaited, and until each has its answer, whether
        or not somebody still reads it. The iterator raises `ConnectionAbortedError` if the batch could not be
        finished (the rest is to be asked again), or not in so many seconds; once it is closed, what has not
        been begun is given up.
        """
        request = _Request()
        waiting = self._new.setdefault((client, cache, complete), [])
        self.places.take(client, len(items))
        self.peak = max(self.peak, self.pending)
        for item in items:
            number = str(next(self._numbers))
            waiting.append((_named(item, number), _Asked(item.id, request)))
        if len(waiting) >= FULL:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.window_s, self._flush)
        return _answers(request, len(items), asyncio.get_running_loop().time() + seconds)

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
        for (client, cache, complete), entries in self._new.items():
            task = asyncio.create_task(self._run(entries, client, cache, complete))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self.batches += 1
        self._new = {}

    async def _run(
        self, entries: list[tuple[Item, _Asked]], client: str, cache: bool, complete: bool
    ) -> None:
        OWNER.set(client)  # of this task and all that it starts: whose turn it is at the judge
        asked = {item.id: where for item, where in entries}

        def wanted(id: str) -> bool:
            where = asked.get(id)
            return where is None or not where.request.gone

        try:
            async for verification in self.verifier.verify(
                [item for item, _ in entries], cache=cache, complete=complete, wanted=wanted
            ):
                where = asked.pop(verification.id)
                self.places.give(client, 1)
                self.proved.update(dict.fromkeys(parts_of(verification), time.monotonic()))
                answer = Verification.model_construct(
                    id=where.id, verdicts=verification.verdicts, reward=verification.reward
                )
                where.request.queue.put_nowait(answer)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                log.exception("a batch failed")
            if asked:
                self.places.give(client, len(asked))
            for where in asked.values():
                where.request.queue.put_nowait(ConnectionAbortedError(f"the batch failed: {error}"))
            if isinstance(error, asyncio.CancelledError):
                raise


async def _answers(request: _Request, left: int, end: float) -> AsyncIterator[list[Verification]]:
    queue = request.queue
    late = ConnectionAbortedError("the request was not finished in time")
    timer = asyncio.get_running_loop().call_at(end, queue.put_nowait, late)
    try:
        while left:
            ready = [await queue.get()]
            while not queue.empty():
                ready.append(queue.get_nowait())
            verified = [answer for answer in ready if not isinstance(answer, BaseException)]
            left -= len(ready)
            if verified:
                yield verified
            for answer in ready:
                if isinstance(answer, BaseException):
                    raise answer
    finally:
        timer.cancel()
        request.gone = True


def parts_of(verification: Verification) -> set[str]:
    """The parts that really decided just now: `rule`, `checker`, `judge`; of a cascade `small` and `large`.

    A reference answer is proof of `reference` only where the model behind the rules was asked.
    """
    out = set()
    for verdict in verification.verdicts:
        if verdict.status in (Status.PASS, Status.FAIL) and not verdict.cost.cached:
            part, by = verdict.part.partition(":")[0], verdict.evidence.get("by")
            if part == "judge":
                out.add(by or part)
            elif part != "reference" or by == "model":
                out.add(part)
            if "small_p_pass" in verdict.evidence:
                out.add("small")
    return out


def _named(item: Item, id: str) -> Item:
    """The same item under another id (not validated again: it was)."""
    return Item.model_construct(id=id, instruction=item.instruction, response=item.response)
