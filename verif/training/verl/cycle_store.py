"""A cycle's rollouts on disk, so that a run that is killed inside the cycle goes on with the same ones.

Only data is written and read (`data_only`): tensors, and what JSON knows. A file holds the queue's rows of the steps from
`first` to `last`, and where the prompts' order stood after they had been drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transfer_queue as tq
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

from verif.errors import TrainingError
from verif.training import data_only

PARTITION = "train"


@dataclass(frozen=True)
class CycleStore:
    """The files of a run's cycles in one folder."""

    folder: Path

    def save(self, first: int, last: int, loader: Any) -> None:
        """Keep all rows of the queue."""
        tags = tq.kv_list(PARTITION).get(PARTITION, {})
        keys = [key for key, tag in tags.items() if not tag.get("is_prompt")]
        rows = tq.kv_batch_get(keys=keys, partition_id=PARTITION)
        columns = {name: by_row(rows[name]) for name in rows.keys()}  # noqa: SIM118
        kept = {
            "loader": loader,
            "tags": {key: plain(tag, "tag") for key, tag in tags.items()},
            "rows": {
                key: {name: plain(column[index], name) for name, column in columns.items()}
                for index, key in enumerate(keys)
            },
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{first:06d}-{last:06d}.pt"
        part = path.with_suffix(".part")
        torch.save(kept, part)
        part.replace(path)

    def covering(self, step: int) -> tuple[int, Path] | None:
        """The last step of a kept cycle that `step` lies in, and its file."""
        for path in sorted(self.folder.glob("*-*.pt")):
            first, last = (int(part) for part in path.stem.split("-"))
            if first <= step <= last:
                return last, path
        return None

    def restore(self, path: Path, step: int) -> Any:
        """Put the rows of `step` and later ones back into the queue; returns where the prompts' order stood."""
        kept = data_only.load(path)
        prompts = {
            key: tag
            for key, tag in kept["tags"].items()
            if tag.get("is_prompt") and tag["global_steps"] >= step
        }
        rows = {key: row for key, row in kept["rows"].items() if key.split("_")[0] in prompts}
        if rows:
            tq.kv_batch_put(
                keys=list(rows),
                partition_id=PARTITION,
                fields=list_of_dict_to_tensordict(list(rows.values())),
                tags=[kept["tags"][key] for key in rows],
            )
        tq.kv_batch_put(keys=list(prompts), partition_id=PARTITION, tags=list(prompts.values()))
        return kept["loader"]

    def forget_until(self, step: int) -> None:
        """Remove cycles that a checkpoint has learnt from."""
        for path in self.folder.glob("*-*.pt"):
            if int(path.stem.split("-")[1]) <= step:
                path.unlink(missing_ok=True)


def by_row(column: Any) -> Any:
    """A field's rows. A nested tensor is taken apart once: each index into it takes all of it apart."""
    return column.unbind() if isinstance(column, torch.Tensor) else column


def plain(value: Any, name: str) -> Any:
    """A value as tensors and what JSON knows; `TrainingError` names a field that is neither."""
    value = getattr(value, "data", value) if not isinstance(value, torch.Tensor | np.ndarray) else value
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return [plain(part, name) for part in value.tolist()]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part, name) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, name) for part in value]
    raise TrainingError(
        f"a rollout's field {name} is a {type(value).__name__} and cannot be kept for a resume.",
        "Set train.sync_every to 1, which keeps none.",
    )
