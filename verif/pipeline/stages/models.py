"""What the stages `policy` and `judge` share: a folder of a model that is new, pinned, and has its tokenizer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from verif.errors import SetupError

THREADS = "VERIF_THREADS"
MARGIN_MB = 200  # free disk that a tiny model needs with room to spare


def require_space(folder: Path, megabytes: int = MARGIN_MB) -> None:
    """Refuse to start what could not be written; a disk that fills later still leaves the old model whole."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 2**20
    if free < megabytes:
        raise SetupError(
            f"{folder}: {free} MB of disk are free, {megabytes} MB are needed.", "Free some space."
        )


def training_threads() -> int:
    """Threads for training a tiny model: `VERIF_THREADS`, or two that sleep while they wait (call it before torch is imported).

    Spinning, two pipelines beside each other train four times slower. Bound to a core each they need not spin, but the
    first core is then that of every pipeline, and of all that the bound process starts.
    """
    asked, cores = os.environ.get(THREADS, "2"), os.cpu_count() or 1
    if asked not in ("1", "2"):
        raise SetupError(
            f"{THREADS} is {asked[:20]!r}; it may be 1 or 2.", "Leave it out for what fits the machine."
        )
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return min(int(asked), cores)
