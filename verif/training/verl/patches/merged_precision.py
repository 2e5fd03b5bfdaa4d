"""Weights with LoRA's change merged in are sent as they are, not rounded to bf16.

Rollouts on CPU are computed in fp32 where the processor is not fast in bf16: rounded, they would be drawn from other weights
than those that are trained, and a change below one part in 256 would not be seen at all. Weights without adapters veRL
sends as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.workers.engine.fsdp.transformer_impl"
WHERE = "verl/workers/engine/fsdp/transformer_impl.py:1063"


def apply() -> None:
    """Replace the engine's generator of merged weights."""
    import verl.workers.engine.fsdp.transformer_impl as engine

    engine.FSDPEngine._merged_lora_per_tensor_param = merged  # type: ignore[method-assign]


def merged(engine: Any) -> Iterator[tuple[str, Any]]:
    """Names and whole tensors; each is a copy, as the weights are restored when the last one was taken."""
    from torch.distributed.tensor import DTensor
    from verl.utils.fsdp_utils import merged_lora_context, normalize_peft_param_name
    from verl.utils.model import convert_weight_keys

    with merged_lora_context(engine.module, backup_adapters=True):
        named = convert_weight_keys(normalize_peft_param_name(engine.module.state_dict()), engine.module)
        for name, held in named.items():
            yield name, held.full_tensor().clone() if isinstance(held, DTensor) else held.detach().clone()
