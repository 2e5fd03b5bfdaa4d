"""No pinned memory for the reference policy on CPU.

For forward-only engines (the reference policy of a KL term) veRL hard-codes
`CPUOffloadPolicy(pin_memory=True)`; pinning memory needs an accelerator, and torch raises without one.
"""

from __future__ import annotations

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.workers.engine.fsdp.transformer_impl"
WHERE = "verl/workers/engine/fsdp/transformer_impl.py:462"


def apply() -> None:
    """Let veRL's engine see a policy that never pins."""
    import verl.workers.engine.fsdp.transformer_impl as engine
    from torch.distributed.fsdp import CPUOffloadPolicy

    class Unpinned(CPUOffloadPolicy):  # type: ignore[misc]
        """`CPUOffloadPolicy` whose `pin_memory` is always False."""

        def __init__(self, pin_memory: bool = False) -> None:  # noqa: ARG002
            super().__init__(pin_memory=False)

    engine.CPUOffloadPolicy = Unpinned  # type: ignore[attr-defined]
