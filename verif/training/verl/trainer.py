"""veRL's synchronous trainer with what verif keeps of each step: rollouts, one line of numbers, a heartbeat.

Registered through `register_trainer` and chosen by `trainer.v1.trainer_mode=verif`; nothing of veRL's loop
is replaced. The numbers go into the metrics that veRL logs, so MLflow has them too.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transfer_queue as tq
from omegaconf import open_dict
from verl.trainer.ppo.v1 import register_trainer

import verif.training.verl.advantage  # noqa: F401 registers the estimator
from verif.data.rollouts import Rollout, write_step
from verif.errors import TrainingError, VerifError
from verif.training.progress import RunFolder
from verif.training.verl.cycles import CycleTrainer
from verif.training.verl.on_policy import without_old_log_probs
from verif.training.verl.record import FIELD, RolloutRecord
from verif.training.verl.sample import Sample
from verif.types import Instruction, Response

NAME = "verif"
FOLDER = "VERIF_RUN_FOLDER"


@register_trainer(NAME)  # type: ignore[untyped-decorator]
class VerifTrainer(CycleTrainer):
    """The trainer of verif; `VERIF_RUN_FOLDER` says where its records go."""

    def __init__(self, config: Any) -> None:
        with open_dict(config):
            config.trainer.v1.trainer_mode = "sync"  # the name chose this class; it behaves as `sync`
        self.folder = RunFolder(Path(os.environ[FOLDER]))
        self.folder.beat("starting")
        self.began = time.time()
        super().__init__(config)

    def on_init_end(self) -> None:
        """Workers and weights are there."""
        super().on_init_end()
        self.folder.beat("ready")

    def on_step_begin(self) -> None:
        """A step starts."""
        self.folder.beat(f"step {self.global_steps}")
        self.began = time.time()
        super().on_step_begin()

    def on_validate_begin(self) -> None:
        """Validation starts."""
        self.folder.beat("validation")
        super().on_validate_begin()

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, float]) -> Any:
        """One update."""
        with self.told():
            return super().step(metrics, timing_raw)

    def on_step_end(self) -> None:
        """A step's update is done."""
        with self.told():
            super().on_step_end()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Leave an expected error for the supervisor."""
        try:
            yield
        except VerifError as error:
            self.folder.fail(error)
            raise

    def _compute_old_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """With one update a batch the old policy is the one that is updated: its loss needs no forward before."""
        if os.environ.get("VERIF_ONE_FORWARD") == "1":
            return without_old_log_probs(batch)
        return super()._compute_old_log_prob(batch, metrics)

    def _save_checkpoint(self) -> None:
        self.folder.beat(f"checkpoint {self.global_steps}")
        super()._save_checkpoint()

    def _compute_metrics(
        self, batch: Any, metrics: dict[str, Any], timing_raw: dict[str, float], global_steps: int, epoch: int
    ) -> None:
        super()._compute_metrics(batch, metrics, timing_raw, global_steps=global_steps, epoch=epoch)
        sample: Sample = self.replay_buffer.current  # type: ignore[attr-defined]
        self.keep_rollouts(batch, sample)
        metrics.update({f"verif/{name}": value for name, value in step_numbers(sample, timing_raw).items()})
        if self.every:
            metrics["verif/sync_every"] = float(self.every)
            metrics["verif/staleness"] = metrics["training/off_policy/trajectory_staleness/mean"]
        if (kl := metrics.get("actor/kl_loss", metrics.get("actor/ppo_kl"))) is not None:
            metrics["actor/kl"] = float(kl)
        for name in [
            name for name, value in metrics.items() if isinstance(value, float) and math.isnan(value)
        ]:
            del metrics[name]
        self.folder.write_step(global_steps, metrics)
        self.folder.beat(f"after step {global_steps}")
        if self.folder.asked_to_end():
            self.end_with_checkpoint(global_steps)

    def end_with_checkpoint(self, step: int) -> None:
        """The pod is going away: what this step has learnt is kept, for the attempt that comes next."""
        if self.folder.checkpoint() != step:
            self._save_checkpoint()
        error = TrainingError(f"told to end; step {step} is saved.")
        self.folder.fail(error)
        raise error

    def keep_rollouts(self, batch: Any, sample: Sample) -> None:
        """Write the batch as veRL trained on it (padding too), and every rollout of the step.

        A row's `generated_s` and `rewarded_s` are seconds after the step's beginning (`verif plan --simulate`
        is fitted on them); padding has none.
        """
        fields = ["advantages", "response_mask", "loss_mask", "rm_scores"]
        queued = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=fields)
        trained = {name: queued[name].unbind() for name in fields}  # each index would take all rows apart
        rows = []
        sums: dict[str, float] = {}
        for index, key in enumerate(batch.keys):
            masked = trained["advantages"][index] * trained["response_mask"][index]
            sums[key] = float(masked.sum())
            record = sample.rows[key].record if key in sample.rows else None
            rows.append(
                {
                    "key": key,
                    "state": record.state if record else "padding",
                    "generated_s": record.generated - self.began if record else None,
                    "rewarded_s": record.rewarded - self.began if record else None,
                    "score": float(trained["rm_scores"][index].sum()),
                    "advantage": float(masked.abs().sum()),
                    "loss_tokens": int(trained["response_mask"][index].sum()),
                    "normalising_tokens": int(trained["loss_mask"][index].sum()),
                }
            )
        self.folder.write_batch(sample.step, rows)
        rollouts = [
            Rollout(
                step=sample.step,
                uid=key.split("_")[0],
                instruction=Instruction.model_validate_json(row.instruction),
                response=Response(text=row.record.text, finished=row.record.finished),
                verification=row.record.verification,
                advantage_sum=sums.get(key, 0.0),
            )
            for key, row in sample.rows.items()
        ]
        write_step(self.folder.rollouts, sample.step, rollouts)

    def _val_metrics_update(
        self,
        data_sources: Any,  # noqa: ARG002
        sample_uids: Any,  # noqa: ARG002
        reward_extra_infos_dict: dict[str, list[Any]],
        sample_turns: Any,  # noqa: ARG002
        expected_acc_counts: Any = None,  # noqa: ARG002
    ) -> dict[str, float]:
        """veRL would count an error as a reward of 0: only what has a reward is averaged here."""
        records = [
            RolloutRecord.model_validate_json(text) for text in reward_extra_infos_dict.get(FIELD, []) if text
        ]
        rewards = [record.reward for record in records if record.reward is not None]
        numbers = {"val/errors": float(len(records) - len(rewards)), "val/responses": float(len(records))}
        if rewards:
            numbers["val/reward_mean"] = sum(rewards) / len(rewards)
            numbers["val/full_reward_share"] = sum(reward == 1.0 for reward in rewards) / len(rewards)
        self.folder.write_validation(self.global_steps, numbers)
        return numbers


def step_numbers(sample: Sample, timing: dict[str, float]) -> dict[str, float]:
    """verif's own numbers of a step; means are over rollouts that have a reward."""
    rewards = [record.reward for record in sample.records if record.reward is not None]
    step_s = timing.get("step", math.nan)
    return {
        "reward_mean": sum(rewards) / len(rewards) if rewards else math.nan,
        "reward_errors": float(sample.errors),
        "rollouts": float(sample.expected),
        "rollouts_trained_on": float(len(sample.rows) - len(sample.left_out)),
        "unfinished": float(sum(not record.finished for record in sample.records)),
        "reward_wait_s": sample.waited_s,
        "reward_wait_share": sample.waited_s / step_s,
        "step_s": step_s,
    }
