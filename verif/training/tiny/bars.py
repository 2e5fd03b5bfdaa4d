"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Update = Callable[[int, str], None]
EVERY_S = 10.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Update]:
    """Yields `update(done, note)`. Example: `with progress("policy", 100) as update: update(1, "loss 2.1")`."""
    if sys.stderr.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        from verif.system.console import Console, described

        columns = (described(), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done, note: bar.update(task, completed=done, description=f"{what} {note}")
        return
    start = last = time.monotonic()

    def line(done: int, note: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= EVERY_S or done >= total:
            last = now
            left = (now - start) / max(done, 1) * (total - done)
            print(f"{what}: {done}/{total} {note} ({left:.0f} s left)", flush=True)

    yield line
