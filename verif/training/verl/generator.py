"""A generator on devices of its own: it stays awake, and the weights are sent to it over the network.

veRL's `separate_async` trainer has one, too, with a loop of its own around it. Here the loop stays that of `cycles.py`; only
where the servers run and how the weights reach them is another. `train.generator_gpus` asks for it.
"""

from __future__ import annotations

from typing import Any

from verl.checkpoint_engine import CheckpointEngineManager
from verl.trainer.ppo.v1 import PPOTrainerSync
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.rollout.llm_server import LLMServerManager


class AwakeManager(CheckpointEngineManager):  # type: ignore[misc]
    """Weights go out as they do in veRL; nobody needs the generator's memory, so it never sleeps."""

    def sleep_replicas(self) -> None:
        """Sleep would discard the weights, and what sends them writes into those that are there."""


class PlacedTrainer(PPOTrainerSync):  # type: ignore[misc]
    """veRL's synchronous trainer; with `actor_rollout_ref.hybrid_engine: false` its generator runs on other devices."""

    def __init__(self, config: Any) -> None:
        self._enable_hybrid_replicas = bool(config.actor_rollout_ref.get("hybrid_engine", True))
        super().__init__(config)

    def _setup(self) -> None:
        """veRL starts no server beside the trainer then, and would leave it at that."""
        super()._setup()
        if self._enable_hybrid_replicas:
            return
        self.llm_server_manager = LLMServerManager.create(config=self.config)
        self.checkpoint_manager = AwakeManager(
            config=omega_conf_to_dataclass(self.config.actor_rollout_ref.rollout.checkpoint_engine),
            actor_wg=self.actor_rollout_wg,
            replicas=self.llm_server_manager.get_replicas(),
        )
