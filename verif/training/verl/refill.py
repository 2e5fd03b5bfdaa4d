"""The sampler that draws new prompts in the place of those whose rollouts all earned the same (`train.refill`).

Such a group has no advantage to give (arXiv 2503.14476, sec. 3.2). A step draws as many prompts as are flat, up to `refill`
times; what is flat after the last draw stays in the batch, so that every batch has its size. What is drawn next is the data
loader's next, whose place is in the checkpoint: a run that was killed draws the same again. A group with an error is not
flat: nobody knows what it would have earned, and a verifier in trouble must not be asked more.
"""

from __future__ import annotations

from typing import Any

import transfer_queue as tq
from transfer_queue import KVBatchMeta

from verif.training.verl.sample import Sample
from verif.training.verl.sampler import Sampler


class RefillSampler(Sampler):
    """`trainer.v1.sampler.custom_sampler` where the recipe has `train.refill`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.refill = int(dict(self.sampler_kwargs)["refill"])
        self.start()

    def start(self) -> None:
        """Before a batch: nothing is kept, nothing was replaced."""
        self.kept: dict[str, dict[str, Any]] = {}
        self.rounds = self.wanted = 0

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, float]]:
        """As the plain sampler's, with fewer groups whose rewards are equal."""
        if partition_id != "val":
            self.start()
        return super().sample(global_steps, partition_id, batch_size)

    def counted(self) -> dict[str, float]:
        """Groups with equal rewards in all of the step's draws, and how many of them were replaced."""
        return super().counted() | {"verif/refilled": float(self.current.refilled)}

    def missing(self, batch_size: int) -> int:
        """As many prompts as were put aside; all of a batch that taught nothing at all."""
        return self.wanted or batch_size

    def check_errors(self, drawn: Sample) -> None:
        """Over all of the step's draws: one error among the few rollouts of a refill is no sign of trouble."""
        del drawn
        super().check_errors(self.current)

    def choose(self, batch: Any, drawn: Sample) -> Any:
        """What is kept of the step's draws once there is nothing to replace; else None, and flat groups are forgotten."""
        flat = self.flat(drawn)
        again = self.rounds < self.refill
        gone = {key for key in batch.keys if again and key.split("_")[0] in flat}
        self.kept |= {key: tag for key, tag in zip(batch.keys, batch.tags, strict=True) if key not in gone}
        self.current.no_contrast += len(flat)
        self.wanted = len(flat) if again else 0
        if gone:
            self.rounds += 1
            self.current.refilled += len(flat)
            self.current.left_out |= gone
            tq.kv_clear(keys=sorted(gone), partition_id=batch.partition_id)
            return None
        made = KVBatchMeta(
            partition_id=batch.partition_id, keys=list(self.kept), tags=list(self.kept.values())
        )
        if set(made.keys) <= self.current.left_out:  # only errors are left
            tq.kv_clear(keys=made.keys, partition_id=batch.partition_id)
            self.start()
            return None
        return made
