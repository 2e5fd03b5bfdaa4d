"""The process group's backend on CPU.

veRL builds `cpu:gloo,<device>:<backend>`; with the CPU as the device that is `cpu:gloo,cpu:gloo`, and torch
rejects a device named twice. There is no setting for it.
"""

from __future__ import annotations

from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.utils.distributed"
WHERE = "verl/utils/distributed.py:89"


def apply() -> None:
    """Name the one backend there is."""
    import verl.utils.distributed as distributed

    original = distributed.initialize_global_process_group_ray

    def initialize(timeout_second: Any = None, backend: str | None = None) -> Any:
        return original(timeout_second, backend or "cpu:gloo")

    distributed.initialize_global_process_group_ray = initialize
