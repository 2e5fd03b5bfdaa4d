"""A run that is told to end (SIGTERM on a cluster) saves a checkpoint first, if the time that it has is enough.

Only a step that has ended can be saved. Whether that comes in time is known from the steps before; if it does not, the
run ends at once, and the next attempt goes on from the last checkpoint.
"""

from __future__ import annotations

import os
import subprocess
import time

from verif.training.holder import GRACE
from verif.training.progress import RunFolder


def grace() -> float:
    """Seconds that a run told to end may take; 0 on one machine, where nobody waits for it."""
    return float(os.environ.get(GRACE, "0"))


def seconds_needed(folder: RunFolder, now: float) -> float | None:
    """Until the step under way has ended and is saved, as far as the steps before tell; None if nothing is known."""
    doing, since = folder.heartbeat()
    done = [folder.metrics(step) for step in folder.done()[-5:]]
    if not done or not doing.startswith(("step", "after", "checkpoint")):
        return None
    step_s = max(numbers.get("verif/step_s", 0.0) for numbers in done)
    saving_s = max(numbers.get("timing_s/save_checkpoint", 0.0) for numbers in done)
    begun = since if doing.startswith("step") else now
    return max(0.0, begun + step_s - now) + saving_s


def save_first(process: subprocess.Popen[bytes], folder: RunFolder, seconds: float) -> None:
    """Ask the trainer for a checkpoint and wait until it has ended, unless that cannot be in time."""
    needed = seconds_needed(folder, time.time()) if seconds else None
    if needed is None or needed > seconds:
        return
    print(f"train: told to end; a checkpoint first, in about {needed:.0f} s", flush=True)
    folder.ask_to_end()
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
