"""veRL's replay buffer, which takes rollouts without a reward out of the batch before anything is computed.

It runs before veRL balances and pads the batch, computes log-probabilities, values, advantages and losses.
Zeroing a row's `response_mask` and `loss_mask` there takes it out of all of them: every loss of veRL (policy,
KL, entropy, value) is a sum over `response_mask` divided by the number of tokens in `loss_mask`, and the
advantage estimators of `advantage.py` leave rows without tokens out of their group. Padding rows are veRL's
own and have a group of their own.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from verif.errors import TrainingError
from verif.training.exclusion import excluded
from verif.training.record import Record, read

log = logging.getLogger("verif.training.sampler")

POLL_S = 0.1
"""veRL looks every 2 s, which would round every generation up to 2 s."""


@dataclass
class Sample:
    """What is known about the rollouts of the current step; `left_out` are keys without a part in it."""

    step: int = 0
    expected: int = 0
    records: dict[str, Record] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    @property
    def errors(self) -> int:
        """Rollouts without a reward: verification errors, and generations that never came back."""
        errored = sum(record.state == "error" for record in self.records.values())
        return errored + max(0, self.expected - len(self.records))

    @property
    def waited_s(self) -> float:
        """Seconds between the end of the last generation and the last reward."""
        if not self.records:
            return 0.0
        records = self.records.values()
        return max(0.0, max(r.rewarded for r in records) - max(r.generated for r in records))

    def reasons(self) -> str:
        """The most frequent reasons of errors, for messages."""
        counts = Counter(r.reason or "unknown" for r in self.records.values() if r.state == "error")
        missing = self.expected - len(self.records)
        if missing > 0:
            counts["generation failed"] += missing
        return "; ".join(f"{count} x {reason[:160]}" for reason, count in counts.most_common(3))


class Sampler(ReplayBuffer):  # type: ignore[misc]
    """The `trainer.v1.sampler.custom_sampler` of verif."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"poll_interval": POLL_S, **settings})
        options = dict(self.sampler_kwargs)
        self.rollouts = int(options["rollouts"])
        self.max_error_share = float(options["max_error_share"])
        self.current = Sample()

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, float]]:
        """A batch whose errored rollouts are masked; a batch with nothing to learn from is drawn again.

        `TrainingError` if more rollouts than `max_error_share` have no reward.
        """
        while True:
            batch, metrics = super().sample(
                global_steps=global_steps, partition_id=partition_id, batch_size=batch_size
            )
            if partition_id == "val":
                return batch, metrics
            self.current = Sample(global_steps, batch_size * self.rollouts)
            self.take_out(batch)
            self.check_errors()
            if len(self.current.left_out) < len(batch.keys):
                return batch, metrics
            log.warning("step %d: no group has two rewards; drawing new prompts", global_steps)
            tq.kv_clear(keys=batch.keys, partition_id=partition_id)
            self.refill_fn(batch_size)

    def take_out(self, batch: Any) -> None:
        """Read the records of the batch, and mask the rows that take no part."""
        rows = tq.kv_batch_get(
            keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields", "response_mask"]
        )
        records = [read(fields) for fields in rows["extra_fields"]]
        self.current.records = dict(zip(batch.keys, records, strict=True))
        out = excluded([key.split("_")[0] for key in batch.keys], [record.state for record in records])
        chosen = [index for index, flag in enumerate(out) if flag]
        if chosen:
            lengths = rows["response_mask"].offsets().diff().tolist()
            self.mask(batch, chosen, lengths)
        self.current.left_out = {batch.keys[index] for index in chosen}

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

    def check_errors(self) -> None:
        """Stop the run if too many rollouts of this step have no reward."""
        current = self.current
        if current.errors <= self.max_error_share * current.expected:
            return
        raise TrainingError(
            f"step {current.step}: {current.errors} of {current.expected} rollouts have no reward"
            f" (allowed: {self.max_error_share:.0%}): {current.reasons()}.",
            "Repair the verifier (`verif verifier status`, `verif verifier logs`) and run the same command"
            " again: training resumes from its last checkpoint.",
        )
