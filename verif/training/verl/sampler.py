"""veRL's replay buffer, which takes rollouts without a reward out of the batch before anything is computed.

It runs before veRL balances and pads the batch, computes log-probabilities, values, advantages and losses.
Zeroing a row's `response_mask` and `loss_mask` there takes it out of all of them: every loss of veRL (policy,
KL, entropy, value) is a sum over `response_mask` divided by the number of tokens in `loss_mask`, and the
advantage estimators of `advantage.py` leave rows without tokens out of their group. Padding rows are veRL's
own and have a group of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from verif.errors import TrainingError
from verif.training.verl.exclusion import excluded, without_contrast
from verif.training.verl.record import read
from verif.training.verl.sample import Sample, StepRollout

log = logging.getLogger("verif.training.verl.sampler")

POLL_S = 0.1
"""veRL looks every 2 s, which would round every generation up to 2 s."""


class Sampler(ReplayBuffer):  # type: ignore[misc]
    """The `trainer.v1.sampler.custom_sampler` of verif; `current` is about the step it sampled last."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"poll_interval": POLL_S, **settings})
        options = dict(self.sampler_kwargs)
        self.rollouts = int(options["rollouts"])
        self.max_error_share = float(options["max_error_share"])
        self.current = Sample()

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, float]]:
        """A batch whose errored rollouts are masked; a batch with nothing to learn from is drawn again.

        `TrainingError` if more rollouts than `max_error_share` of a batch have no reward.
        """
        if partition_id == "val":
            sampled: tuple[Any, dict[str, float]] = super().sample(
                global_steps=global_steps, partition_id=partition_id, batch_size=batch_size
            )
            return sampled
        self.current = Sample(global_steps)
        prompts = batch_size
        while True:
            batch, metrics = super().sample(
                global_steps=global_steps, partition_id=partition_id, batch_size=prompts
            )
            drawn = self.take_out(batch, Sample(global_steps, prompts * self.rollouts))
            self.current.add(drawn)
            self.check_errors(drawn)
            chosen = self.choose(batch, drawn)
            if chosen is not None:
                return chosen, metrics | self.counted()
            prompts = self.missing(batch_size)
            self.refill_fn(prompts)

    def counted(self) -> dict[str, float]:
        """What is told of the step's draws: how many groups had equal rewards."""
        return {"verif/no_contrast": float(self.current.no_contrast)}

    def missing(self, batch_size: int) -> int:
        """How many prompts are drawn after a choice of None."""
        return batch_size

    def flat(self, drawn: Sample) -> set[str]:
        """The prompts of a draw whose rollouts all have the same reward."""
        uids = [key.split("_")[0] for key in drawn.rows]
        return without_contrast(uids, [row.record.reward for row in drawn.rows.values()], self.rollouts)

    def choose(self, batch: Any, drawn: Sample) -> Any:
        """The batch if anything can be learnt from it; else None, and its rollouts are forgotten."""
        self.current.no_contrast += len(self.flat(drawn))
        if len(drawn.left_out) < len(batch.keys):
            return batch
        log.warning("step %d: no group has two rewards; drawing new prompts", drawn.step)
        tq.kv_clear(keys=batch.keys, partition_id=batch.partition_id)
        return None

    def groups(self, keys: Sequence[str], rows: Sequence[StepRollout]) -> list[str]:
        """Each rollout's group, whose rewards are compared: that of its prompt."""
        del rows
        return [key.split("_")[0] for key in keys]

    def take_out(self, batch: Any, drawn: Sample) -> Sample:
        """Read the records of the batch into `drawn`, and mask the rows that take no part."""
        rows = tq.kv_batch_get(
            keys=batch.keys,
            partition_id=batch.partition_id,
            select_fields=["extra_fields", "response_mask", "reward_model"],
        )
        # Each access to a column makes a list of all of it: once, not once a row.
        for key, model, extra in zip(batch.keys, rows["reward_model"], rows["extra_fields"], strict=True):
            truth = getattr(model, "data", model)
            drawn.rows[key] = StepRollout(read(extra), str(truth["ground_truth"]))
        groups = self.groups(batch.keys, [drawn.rows[key] for key in batch.keys])
        out = excluded(groups, [drawn.rows[key].record.state for key in batch.keys])
        chosen = [index for index, flag in enumerate(out) if flag]
        if chosen:
            self.mask(batch, chosen, rows["response_mask"].offsets().diff().tolist())
        drawn.left_out = {batch.keys[index] for index in chosen}
        return drawn

    def mask(self, batch: Any, rows: Sequence[int], lengths: Sequence[int]) -> None:
        """Give rows an empty loss and no score; `is_padding` keeps them out of veRL's metrics too."""
        empty = [torch.zeros(lengths[row], dtype=torch.int64) for row in rows]
        fields = TensorDict(
            {
                "response_mask": torch.nested.as_nested_tensor(empty, layout=torch.jagged),
                "loss_mask": torch.nested.as_nested_tensor(empty, layout=torch.jagged),
                "rm_scores": torch.nested.as_nested_tensor([e.float() for e in empty], layout=torch.jagged),
            },
            batch_size=len(rows),
        )
        tq.kv_batch_put(
            keys=[batch.keys[row] for row in rows], partition_id=batch.partition_id, fields=fields
        )
        for row in rows:
            batch.tags[row]["is_padding"] = True

    def check_errors(self, drawn: Sample) -> None:
        """Stop the run if too many rollouts of a batch have no reward."""
        if drawn.errors <= self.max_error_share * drawn.expected:
            return
        raise TrainingError(
            f"step {drawn.step}: {drawn.errors} of {drawn.expected} rollouts have no reward"
            f" (allowed: {self.max_error_share:.0%}): {drawn.reasons()}.",
            "Repair the verifier (`verif verifier status`, `verif verifier logs`) and run the same command"
            " again: training resumes from its last checkpoint.",
        )
