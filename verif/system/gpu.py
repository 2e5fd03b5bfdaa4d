"""The NVIDIA card of this machine: is there one, can this environment use it, and is it large enough.

`nvidia-smi` says what the driver sees, torch what it can use; the two differ in a broken install.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from verif.system.check import Check

DRIVER = 580
"""The first driver that runs CUDA 13, which torch 2.11 of `locks/gpu.txt` is built with (NVIDIA's CUDA 13.0 notes)."""
QUERY = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
TIMEOUT_S = 20.0
FIX = "Train on CPU (train.gpus: 0), or on a machine with an NVIDIA GPU."


@dataclass(frozen=True)
class Card:
    """One card as the driver names it; memory in GiB."""

    name: str
    gigabytes: float
    driver: str


def asked() -> str | None:
    """What `nvidia-smi` says; None where there is none, or it fails."""
    try:
        done = subprocess.run(QUERY, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def cards(said: str | None) -> list[Card]:
    """The cards in the driver's answer; a line that is no card is passed over."""
    made = []
    for line in (said or "").splitlines():
        parts = [part.strip() for part in line.rsplit(",", 2)]
        if len(parts) == 3 and parts[1].isdecimal():
            made.append(Card(parts[0], int(parts[1]) / 1024, parts[2]))
    return made


def usable() -> str:
    """Why torch cannot use a card here; empty if it can."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    try:
        torch.cuda.init()  # makes no context: no memory of the card is held
    except (RuntimeError, AssertionError) as error:
        return (str(error).splitlines() or ["no reason given"])[0][:200]
    return ""


def checks(
    gpus: int, need_gb: float, ask: Callable[[], str | None] = asked, try_torch: Callable[[], str] = usable
) -> list[Check]:
    """That so many cards are here, with that much memory each (GiB), a driver that is new enough, and a torch for them.

    After the first thing that is not in order nothing more is asked: the rest would only follow from it.
    """
    here = cards(ask())
    if len(here) < gpus:
        seen = f"{len(here)} of {gpus} NVIDIA GPUs are seen here (nvidia-smi)"
        return [Check("GPU", False, seen, FIX)]
    card = min(here[:gpus], key=lambda each: each.gigabytes)
    said = f"{card.name}, {card.gigabytes:.0f} GiB, driver {card.driver}"
    major = card.driver.split(".", 1)[0]
    if not major.isdecimal() or int(major) < DRIVER:
        fix = f"Install driver {DRIVER} or newer."
        return [Check("GPU", False, f"{said}: the driver is older than {DRIVER}, which CUDA 13 needs", fix)]
    if card.gigabytes < need_gb:
        fix = "Choose a smaller policy, or a larger card."
        return [Check("GPU", False, f"{said}: {need_gb:.0f} GiB are needed", fix)]
    if problem := try_torch():
        fix = "Install by locks/gpu.txt into an environment of Python 3.12 (docs/smollm2.md)."
        return [Check("GPU", False, f"{said}, but this environment cannot use it: {problem}", fix)]
    return [Check("GPU", True, said)]
