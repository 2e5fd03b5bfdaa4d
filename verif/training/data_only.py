"""Checkpoints are data: what `torch.load` may build from a file is tensors and plain values, never code.

veRL loads its checkpoints with `weights_only=False`, which runs whatever a pickle says. In its processes (`plugin`)
a *file* is loaded with `weights_only=True` whatever the caller asks for; a buffer that came from another process of the
same run stays as it was. Beyond torch's own list only the state of NumPy's generator is allowed, which veRL keeps.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from verif.errors import TrainingError

OURS = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}
"""How transformers loads a model of ours: no pickled weights, no code of a repository's, no question at the terminal."""


def load(path: Path) -> Any:
    """A checkpoint's file on the CPU; `TrainingError` if it is damaged or holds more than data."""
    import torch

    allow()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise TrainingError(
            f"{path} is damaged, or holds more than tensors and was not loaded ({first[0][:200]}).",
            "Remove this checkpoint and run the same command again.",
        ) from None


def allow() -> None:
    """Let weights-only loading build DTensors and NumPy's arrays of numbers."""
    import numpy as np
    import torch
    import torch.distributed.tensor  # names DTensor and its kind to torch.serialization

    plain = [type(np.dtype(name)) for name in ("uint32", "int64", "float64")]
    rebuild: Any = np.empty(0).__reduce__()[0]
    torch.serialization.add_safe_globals([rebuild, np.ndarray, np.dtype, *plain])


def install() -> None:
    """From now on, in this process."""
    import torch

    if getattr(torch.load, "data_only", False):
        return
    original = torch.load

    @functools.wraps(original)
    def load(f: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(f, str | os.PathLike):
            allow()
            options["weights_only"] = True
        return original(f, *arguments, **options)

    load.data_only = True  # type: ignore[attr-defined]
    torch.load = load
