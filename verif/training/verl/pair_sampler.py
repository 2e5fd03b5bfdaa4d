"""The sampler of a policy that judges: rewards by pair, and batches drawn until enough groups differ.

Both questions of a pair stand side by side in the data and so in one batch (`data.shuffle` is off). Their group is
written into veRL's field `uid`, by which its estimator groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transfer_queue as tq
from tensordict import NonTensorStack, TensorDict
from transfer_queue import KVBatchMeta

from verif.errors import TrainingError
from verif.training.verl.pairing import asked, consistent, differing
from verif.training.verl.sample import Sample, StepRollout
from verif.training.verl.sampler import Sampler

EMPTY = 32
"""Batches in a row without any group that differs: such a judge is always right, or never."""


Kept = list[tuple[str, dict[str, Any]]]
"""Rollouts of one group: veRL's key and tag of each."""


class PairSampler(Sampler):
    """`trainer.v1.sampler.custom_sampler` where the recipe has `train.judgements`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        options = dict(self.sampler_kwargs)
        self.by_pair = options["group"] == "pair"
        self.both = options["reward"] == "consistent"
        self.draws = int(options["draws"])
        self.kept: list[Kept] = []
        self.drawn = 0

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, float]]:
        """As the plain sampler's; a batch holds the groups that differ of up to `draws` batches."""
        self.kept, self.drawn = [], 0
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        if partition_id != "val":
            metrics["verif/batches_drawn"] = float(self.drawn)
            metrics["verif/rollouts_that_differ"] = float(sum(map(len, self.kept)))
        return batch, metrics

    def counted(self) -> dict[str, float]:
        """Its groups are pairs, and said in its own numbers."""
        return {}

    def groups(self, keys: Sequence[str], rows: Sequence[StepRollout]) -> list[str]:
        """Both questions of a pair are one group, or each is one."""
        if not self.by_pair:
            return super().groups(keys, rows)
        return [asked(row.instruction, key).pair for key, row in zip(keys, rows, strict=True)]

    def choose(self, batch: Any, drawn: Sample) -> Any:
        """Keep the groups that differ; the batch once there are enough, or `draws` batches were looked at.

        It has as many rollouts as any: where too few differ, rollouts without a part fill it.
        """
        self.drawn += 1
        rows = [drawn.rows[key] for key in batch.keys]
        groups, rewards = self.groups(batch.keys, rows), self.rewards(batch.keys, rows, drawn)
        telling = differing(groups, rewards)
        live = [
            group in telling and key not in drawn.left_out
            for key, group in zip(batch.keys, groups, strict=True)
        ]
        self.write(batch, groups, rewards, live)
        tagged = list(zip(batch.keys, batch.tags, strict=True))
        by_group: dict[str, Kept] = {}
        for row, group, ok in zip(tagged, groups, live, strict=True):
            if ok:
                by_group.setdefault(group, []).append(row)
        self.kept += by_group.values()
        rest = [row for row, ok in zip(tagged, live, strict=True) if not ok]
        size = len(batch.keys)
        if sum(map(len, self.kept)) < size and (self.drawn < self.draws or not self.kept):
            if self.drawn >= EMPTY + self.draws:
                raise TrainingError(
                    f"step {drawn.step}: in {self.drawn} batches no group has two different rewards.",
                    "The judge is always right or never: train.temperature higher, or harder pairs.",
                )
            self.forget(rest, batch.partition_id)
            return None
        taken: Kept = []
        while self.kept and len(taken) + len(self.kept[0]) <= size:
            taken += self.kept.pop(0)
        surplus = [row for group in self.kept for row in group]
        filling = size - len(taken)
        if surplus:  # whole groups only: a part of one would be compared with itself
            self.silence(surplus, batch.partition_id)
        spare = [*rest, *surplus]
        self.current.left_out |= {key for key, _ in spare}
        self.forget(spare[filling:], batch.partition_id)
        self.kept = [taken]
        chosen = [*taken, *spare[:filling]]
        return KVBatchMeta(
            partition_id=batch.partition_id, keys=[key for key, _ in chosen], tags=[tag for _, tag in chosen]
        )

    def forget(self, rows: Kept, partition_id: str) -> None:
        """Rollouts that are in no batch."""
        self.current.left_out |= {key for key, _ in rows}
        if rows:
            tq.kv_clear(keys=[key for key, _ in rows], partition_id=partition_id)

    def silence(self, rows: Kept, partition_id: str) -> None:
        """Mask rollouts that differ but for which there is no room."""
        some = KVBatchMeta(partition_id=partition_id, keys=[k for k, _ in rows], tags=[t for _, t in rows])
        fields = tq.kv_batch_get(keys=some.keys, partition_id=partition_id, select_fields=["response_mask"])
        self.mask(some, range(len(rows)), fields["response_mask"].offsets().diff().tolist())

    def rewards(self, keys: Sequence[str], rows: Sequence[StepRollout], drawn: Sample) -> list[float | None]:
        """What each rollout earned beside its pair's other question; None for those without a part."""
        own = [
            None if key in drawn.left_out else row.record.reward for key, row in zip(keys, rows, strict=True)
        ]
        if not self.both:
            return own
        return consistent([asked(r.instruction, k) for k, r in zip(keys, rows, strict=True)], own)

    def write(
        self, batch: Any, groups: Sequence[str], rewards: Sequence[float | None], live: Sequence[bool]
    ) -> None:
        """Hand veRL groups and rewards of those that take part; the others get an empty mask."""
        rows = tq.kv_batch_get(
            keys=batch.keys, partition_id=batch.partition_id, select_fields=["response_mask"]
        )
        lengths = rows["response_mask"].offsets().diff().tolist()
        silent = [index for index, ok in enumerate(live) if not ok]
        if silent:
            self.mask(batch, silent, lengths)
        speaking = [index for index, ok in enumerate(live) if ok]
        if not speaking:
            return
        scores = []
        for index in speaking:
            score = torch.zeros(lengths[index])
            score[-1] = float(rewards[index] or 0.0)
            scores.append(score)
        fields = TensorDict(
            {
                "uid": NonTensorStack(*[groups[index] for index in speaking]),
                "rm_scores": torch.nested.as_nested_tensor(scores, layout=torch.jagged),
            },
            batch_size=len(speaking),
        )
        tq.kv_batch_put(
            keys=[batch.keys[index] for index in speaking], partition_id=batch.partition_id, fields=fields
        )
