"""A training's progress on the page of its run, while it runs: one artifact that a thread keeps up to date."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from verif.pipeline.live import TrainingProgress, progress
from verif.project import load_stage

EVERY_S = 5.0


@contextmanager
def shown(root: Path, every_s: float = EVERY_S) -> Iterator[None]:
    """Keep the artifact `training` up to date for the length of the block; a server that is away is asked again."""
    ended = threading.Event()
    steps, since = load_stage(root).recipe.train.steps, time.time()
    context = contextvars.copy_context()  # which run the artifact belongs to
    thread = threading.Thread(
        target=context.run, args=(_follow, root, steps, since, ended, every_s), daemon=True, name="progress"
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def _follow(root: Path, steps: int, since: float, ended: threading.Event, every_s: float) -> None:
    artifact: Any = None
    before: TrainingProgress | None = None
    while True:
        last = ended.wait(every_s)
        now: TrainingProgress | None = progress(root, steps, since)
        if now is not None and now != before:
            try:
                if artifact is None:
                    artifact = create_progress_artifact(100 * now.share, "training", now.said())
                else:
                    update_progress_artifact(artifact, 100 * now.share, now.said())
                before = now
            except Exception as error:  # the page must not end the training, whatever its client raises
                get_run_logger().debug("progress: %s", error)
        if last:
            return
