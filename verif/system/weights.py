"""What the headers of a model's safetensors files say: how many values it has, and how many its largest tensor.

Reads the headers only, never the weights. Disk and buffers are sized from counts, since a file in bf16 says little about
a training in fp32.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

MAX_HEADER = 100 << 20
"""As the format's own readers allow."""


@dataclass(frozen=True)
class Counts:
    """Values of all tensors together, and of the largest one."""

    parameters: int
    largest: int


def counts(folder: Path) -> Counts:
    """Of the model in a folder; zeros where there is none, or nothing that can be read as one."""
    total = largest = 0
    for path in sorted(folder.glob("*.safetensors")):
        for size in _sizes(path):
            total += size
            largest = max(largest, size)
    return Counts(total, largest)


def _sizes(path: Path) -> list[int]:
    """The number of values of each tensor of a file."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if length <= MAX_HEADER else {}
        return [math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
