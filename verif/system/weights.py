"""A model's size from its folder: its configuration, and the headers of its safetensors files; never the weights.

Disk and buffers are sized from counts, since a file in bf16 says little about
a training in fp32.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        return [math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def shape(model: Path) -> dict[str, Any]:
    """A model folder's configuration; empty if there is none that can be read."""
    try:
        config: dict[str, Any] = json.loads((model / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return config


def positions(model: Path) -> int | None:
    """Tokens that a model in Hugging Face form can hold; None where its configuration does not say."""
    held = shape(model).get("max_position_embeddings")
    return int(held) if held else None


def cache_bytes(model: Path, tokens: int, width: int = 4) -> int:
    """Bytes of a KV cache of `width` bytes a value for that many tokens of a model in Hugging Face form; at least 64 MB.

    vLLM on CPU would take whole gigabytes (VLLM_CPU_KVCACHE_SPACE), more than a tiny model ever fills.
    1 GB for a model that is not there yet.
    """
    config = shape(model)
    try:
        heads = config["num_attention_heads"]
        size = config.get("head_dim") or config["hidden_size"] // heads
        values = 2 * config["num_hidden_layers"] * config.get("num_key_value_heads", heads) * size
    except KeyError:
        return 1 << 30
    return int(max(64 << 20, width * values * tokens))
