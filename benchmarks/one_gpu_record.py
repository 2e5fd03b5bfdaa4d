"""Keeps the first batches of a training as tensors (part of `one_gpu.py`), so that another machine can compute the same update.

As a module that veRL loads it wraps verif's trainer; as a helper of the benchmark it has veRL load it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

VARIABLE = "BENCH_RECORD_BATCHES"
STEPS = 2
FIELDS = (
    "input_ids",
    "prompts",
    "responses",
    "response_mask",
    "advantages",
    "rm_scores",
    "rollout_log_probs",
)


@contextmanager
def recorded(launch: Any) -> Iterator[None]:
    """Within the block, trainings that `launch` starts load this module too."""
    job = launch.job

    def with_record(*arguments: Any, **options: Any) -> Any:
        made = job(*arguments, **options)
        modules = f"{made.environment['VERL_USE_EXTERNAL_MODULES']},benchmarks.one_gpu_record"
        return replace(
            made, environment={**made.environment, "VERL_USE_EXTERNAL_MODULES": modules, VARIABLE: "1"}
        )

    launch.job = with_record
    try:
        yield
    finally:
        launch.job = job


def wrap() -> None:
    """Let verif's trainer save what it is about to forget."""
    import torch
    import transfer_queue as tq

    from verif.training.verl.trainer import VerifTrainer

    original = VerifTrainer.keep_rollouts

    def keep_rollouts(self: Any, batch: Any, sample: Any) -> None:
        original(self, batch, sample)
        if sample.step <= STEPS:
            rows = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id)
            names = [name for name in FIELDS if name in rows.keys()]  # noqa: SIM118 - a TensorDict
            kept = {name: [torch.as_tensor(row).cpu() for row in rows[name]] for name in names}
            torch.save({"keys": list(batch.keys), **kept}, self.folder.path / f"recorded-{sample.step}.pt")

    VerifTrainer.keep_rollouts = keep_rollouts  # type: ignore[method-assign]


if os.environ.get(VARIABLE) == "1":
    from verif.training.verl.after_import import after_import

    after_import("verif.training.verl.trainer", wrap)
