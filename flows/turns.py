"""A training's turn on this server, and what may not end it: a Prefect that restarts, or does not answer.

One training runs at a time (limit `training`, set by `make up`). The others wait and say so; what only comes back from
the cache waits for nobody. A server that is away is asked again; whoever waits for it loses time, never a training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import httpx
from prefect import get_run_logger
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency

from flows import progress
from verif.errors import VerifError
from verif.system.run_cache import has_result

LIMIT = "training"
PATIENCE_S = 300.0
"""How long a server that does not answer is asked again before the run goes on without it."""
AGAIN_S = 3.0


def turn_of(root: Path, stage: str) -> Callable[[], AbstractContextManager[None]]:
    """What a stage's work waits for and is shown by: only a training has to wait."""
    return partial(_training, root, stage) if stage == "train" else nullcontext


@contextmanager
def _training(root: Path, stage: str) -> Iterator[None]:
    if _known(root, stage):
        yield
        return
    turn = _taken()
    try:
        with progress.shown(root):
            yield
    finally:
        if turn is not None:
            # Once: the server frees a turn that nobody renews within five minutes.
            asked(partial(turn.__exit__, None, None, None), "the training's turn back", 0)


def _known(root: Path, stage: str) -> bool:
    """Whether the cache holds the result; where DVC cannot be asked, the stage itself will say why."""
    try:
        return has_result(root, stage, fetch=False)
    except VerifError:
        return False


def _taken(patience_s: float = PATIENCE_S) -> AbstractContextManager[None] | None:
    """The turn, or None where the server does not answer for so long; its failures are lines in the run's log."""
    log = get_run_logger()
    end = time.monotonic() + patience_s
    retries: int | None = 0  # the first answer may be no: then the wait is said, and the next question waits
    said = False
    while True:
        turn = concurrency(LIMIT, occupy=1, max_retries=retries)
        try:
            turn.__enter__()
            return turn
        except ConcurrencySlotAcquisitionError as error:
            cause = error.__cause__
        if isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code == httpx.codes.LOCKED:
            log.info("Waits for the training that has this server's turn (limit `%s`).", LIMIT)
            retries = None
        elif time.monotonic() > end:
            log.warning(
                "Prefect did not answer for %.0f s: the training begins without its turn.", patience_s
            )
            return None
        else:
            if not said:
                log.warning("Prefect does not answer (%s): the training waits for it.", type(cause).__name__)
            said = True
            time.sleep(AGAIN_S)


def asked(tell: Callable[[], object], what: str, patience_s: float = 60.0) -> bool:
    """Whether Prefect took it in time; if not, a line in the log says what the page lacks, and the run goes on."""
    end = time.monotonic() + patience_s
    while True:
        try:
            tell()
            return True
        except (httpx.HTTPError, RuntimeError) as error:
            away = _away(error)
            if not away and not isinstance(error, httpx.HTTPError):
                raise
            if not away or time.monotonic() > end:
                get_run_logger().warning("Prefect did not take %s: %s", what, str(error).splitlines()[0])
                return False
            time.sleep(AGAIN_S)


def _away(error: Exception) -> bool:
    """Whether the server is down or just starting; its answer to a wrong request is none of these."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx.TransportError) or str(error).startswith("Failed to reach API")
