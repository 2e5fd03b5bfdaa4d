"""The sampler of runs whose rollouts are drawn for several updates at once, or in pairs (`cycles.py` draws them)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import transfer_queue as tq
from transfer_queue import KVBatchMeta

from verif.errors import TrainingError
from verif.training.pairs import Worth, pick, scored
from verif.training.sure import require_sure
from verif.training.verl.record import RolloutRecord, read
from verif.training.verl.sample import Sample
from verif.training.verl.sampler import Sampler


class PlannedSampler(Sampler):
    """Samples what was drawn for a step, and makes pairs where the recipe says dpo."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        options = dict(self.sampler_kwargs)
        self.pairs: Any = options.get("pairs")
        self.seed = options.get("seed")
        self.wait_s = 0.0

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, float]]:
        """The rollouts that were generated for this step of the cycle; with DPO, of them those in pairs.

        A step without anything to learn from is not drawn again (the generator sleeps): its update is left out.
        """
        if partition_id == "val":
            return super().sample(global_steps, partition_id, batch_size)
        step = global_steps
        self._sync_metadata_from_transfer_queue()
        uids = self.planned([step])
        batch = self._materialize_batch(
            partition_id, uids, dict(sorted(self.partitions[partition_id].items()))
        )
        self.current = Sample(step, len(uids) * self.rollouts)
        self.count_wait()
        if not batch.keys:
            raise TrainingError(f"step {step}: not one rollout came back.", "The log says why.")
        drawn = self.take_out(batch, self.current)
        self.check_errors(drawn)
        made = self.keep_pairs(batch, drawn) if self.pairs else batch
        if not drawn.teaches:  # veRL measures the age of what is no padding, and fails where all is
            for tag in made.tags:
                tag["is_padding"] = False
            tq.kv_batch_put(keys=made.keys, partition_id=made.partition_id, tags=made.tags)
        return made, {}

    def planned(self, steps: Iterable[int]) -> list[str]:
        """Prompts that were drawn for some steps, in a fixed order."""
        wanted = set(steps)
        return sorted(uid for uid, step in self.prompt_global_steps["train"].items() if step in wanted)

    def wait_for_all(self, beat: Callable[[int, int], None]) -> None:
        """Return when every prompt in the queue has ended; `beat` hears how many of how many, whenever that changes.

        All of them: the first that end are the short ones, and would be the first updates.
        """
        ended = -1
        while True:
            began = time.monotonic()
            self._sync_metadata_from_transfer_queue()
            now = len(self.finished_keys["train"]) + len(self.failure_keys["train"])
            open_ = len(self.pending_keys["train"]) + len(self.running_keys["train"])
            if now != ended:
                ended = now
                beat(ended, ended + open_)
            if not open_:
                return
            time.sleep(max(self.poll_interval, time.monotonic() - began))

    def look_over(self, steps: Iterable[int], since: float) -> Counter[int]:
        """Prompts without contrast by step, after `wait_for_all`; keeps how long rewards alone were awaited.

        `since` is when the trainer began to wait, in seconds since the epoch.
        """
        step_of = {uid: self.prompt_global_steps["train"][uid] for uid in self.planned(steps)}
        keys = sorted(key for key in self.partitions["train"] if key.split("_")[0] in step_of)
        records = {}
        if keys:
            rows = tq.kv_batch_get(keys=keys, partition_id="train", select_fields=["extra_fields"])
            records = {key: read(extra) for key, extra in zip(keys, rows["extra_fields"], strict=True)}
        if records:
            generated = max(record.generated for record in records.values())
            self.wait_s += max(0.0, max(r.rewarded for r in records.values()) - max(generated, since))
        if not self.pairs:
            return Counter()
        contrast = {uid for uid, *_ in self.pairs_of(records)}
        return Counter(step for uid, step in step_of.items() if uid not in contrast)

    def count_wait(self) -> None:
        """Add the seconds of waiting since the last call to the present step, in which they passed."""
        self.current.cycle_wait_s = (self.current.cycle_wait_s or 0.0) + self.wait_s
        self.wait_s = 0.0

    def pairs_of(self, records: dict[str, RolloutRecord]) -> list[tuple[str, str, str]]:
        """(prompt, chosen key, rejected key) of each prompt with contrast, drawn by the recipe's seed and the prompt."""
        worth: dict[str, Worth | None] = {
            key: None if record.verification is None else scored(record.verification)
            for key, record in sorted(records.items())
        }
        if self.pairs == "best-worst":
            require_sure(r.verification for r in records.values() if r.verification is not None)
        groups: dict[str, list[str]] = {}
        for key in worth:
            groups.setdefault(key.split("_")[0], []).append(key)
        made = []
        for uid, keys in groups.items():
            pair = pick([worth[key] for key in keys], self.pairs, f"{self.seed} {uid}")
            if pair is not None:
                made.append((uid, keys[pair.chosen], keys[pair.rejected]))
        return made

    def keep_pairs(self, batch: Any, drawn: Sample) -> Any:
        """The pairs' rows; the others leave the queue. Without a pair two masked rows stand for the batch."""
        pairs = self.pairs_of({key: row.record for key, row in drawn.rows.items()})
        drawn.pairs = [(chosen, rejected) for _, chosen, rejected in pairs]
        drawn.no_contrast = drawn.expected // self.rollouts - len(pairs)
        kept = {key for pair in drawn.pairs for key in pair}
        drawn.left_out = set(drawn.rows) - kept
        rows = [index for index, key in enumerate(batch.keys) if key in kept] or [0, 1][: len(batch.keys)]
        names = {batch.keys[index] for index in rows}
        if rest := [key for key in batch.keys if key not in names]:
            tq.kv_clear(keys=rest, partition_id=batch.partition_id)
        made = KVBatchMeta(
            partition_id=batch.partition_id,
            keys=[batch.keys[index] for index in rows],
            tags=[batch.tags[index] for index in rows],
        )
        if not kept:
            self.mask(made, range(len(rows)), [tag["response_len"] for tag in made.tags])
        return made
