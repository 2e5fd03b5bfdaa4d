"""Verifications as they arrive in a queue, while the tasks that bring them run; shared by the verifier and its client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from verif.types import Verification


async def arriving(
    count: int,
    queue: asyncio.Queue[Verification | BaseException],
    tasks: Sequence[asyncio.Task[Any]],
    ready: Iterable[Verification] = (),
) -> AsyncGenerator[Verification, None]:
    """What is `ready`, and `count` verifications in the order of their arrival; raises an exception that arrives.

    The tasks end with it.

    Open it in `contextlib.aclosing`, so that a caller that stops early ends the tasks at once.
    """
    try:
        for verification in ready:
            yield verification
        for _ in range(count):
            arrived = await queue.get()
            if isinstance(arrived, BaseException):
                raise arrived
            yield arrived
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
