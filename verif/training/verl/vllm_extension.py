"""vLLM's worker on CPU, so that new weights can be loaded into it (`worker_extension_cls`)."""

from __future__ import annotations

from typing import Any

from verl.workers.rollout.vllm_rollout.utils import vLLMColocateWorkerExtension


class CPUWorkerExtension(vLLMColocateWorkerExtension):  # type: ignore[misc]
    """veRL's extension, with the two things that a CPU needs."""

    def __new__(cls, **kwargs: Any) -> Any:
        """Before the model is built: keep plain weights.

        vLLM's CPU backend packs linear weights into oneDNN handles and drops the originals with their
        loaders; nothing could be loaded in their place afterwards.
        """
        import vllm._custom_ops as ops

        ops._supports_onednn = False
        return super().__new__(cls, **kwargs)

    def _update_weights(self, weights: Any, peft_config: Any, base_sync_done: bool) -> None:
        """The received tensors are views of shared memory that is closed right after: load copies."""
        copies = [(name, tensor.clone()) for name, tensor in weights]
        super()._update_weights(copies, peft_config=peft_config, base_sync_done=base_sync_done)
