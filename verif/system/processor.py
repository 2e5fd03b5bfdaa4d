"""What this machine's processor computes fast, and with how many threads a model is worth computing."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from verif.system.weights import counts, shape

Precision = Literal["bfloat16", "float32"]
FAST_BF16 = ("amx_bf16", "avx512_bf16")
"""Flags of /proc/cpuinfo. Without one of them bf16 is emulated and slower than fp32."""
REAL = 20_000_000
"""Parameters from which several threads pay: below, they wait for each other longer than they compute."""


@cache
def computes_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether every product in bf16 is done by the processor itself; False where nobody can say."""
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return any(name in flags for name in FAST_BF16)


def precision(model: Path) -> Precision:
    """In what a model is computed on this CPU: bf16 if it is saved so and the processor has it, else fp32."""
    config = shape(model)
    saved = config.get("dtype", config.get("torch_dtype"))
    return "bfloat16" if saved == "bfloat16" and computes_bf16() else "float32"


def value_bytes(model: Path) -> int:
    """Bytes of a value of the model's KV cache here."""
    return 2 if precision(model) == "bfloat16" else 4


def real(model: Path) -> bool:
    """Whether a model is large enough for several threads."""
    return counts(model).parameters >= REAL


def threads(model: Path) -> int:
    """Threads for a model on CPU: one for a tiny one, else this process's cores."""
    return len(os.sched_getaffinity(0)) if real(model) else 1
