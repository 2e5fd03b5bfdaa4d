"""The trained model in Hugging Face form, from veRL's last checkpoint.

veRL's own merger rounds to bf16 and saves the tokenizer anew. Here weights keep the starting policy's
precision, and every file of the policy that is no weight (tokenizer, chat template, generation settings) is
copied as it is, so that both models read and stop alike.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from verif.errors import TrainingError
from verif.system.files import new_directory
from verif.training.data_only import OURS, load

WEIGHTS = (".safetensors", ".bin", ".pt", ".index.json")


def export(checkpoint: Path, policy: Path, target: Path) -> None:
    """Write `target` (appearing only when complete) from `checkpoint/actor` and the files of `policy`.

    `TrainingError` if the shards do not make the policy's model, or the result does not load again.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    state = merge(checkpoint / "actor")
    model = AutoModelForCausalLM.from_pretrained(policy, dtype="auto", **OURS)
    dtype = next(model.parameters()).dtype
    try:
        model.load_state_dict({name: tensor.to(dtype) for name, tensor in state.items()})
    except RuntimeError as error:
        raise TrainingError(f"{checkpoint} does not fit the model of {policy}: {error}") from None
    with new_directory(target) as folder:
        model.save_pretrained(folder)
        for path in policy.iterdir():
            if path.is_file() and not path.name.endswith(WEIGHTS) and path.name != "config.json":
                shutil.copyfile(path, folder / path.name)
        again = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", **OURS)
        for (name, new), old in zip(again.state_dict().items(), model.state_dict().values(), strict=True):
            if not torch.equal(new, old):
                raise TrainingError(f"{name} of the saved model is not what was trained.")


def merge(actor: Path) -> dict[str, Any]:
    """The full weights from FSDP's shards: `model_world_size_W_rank_R.pt` for R = 0 to W - 1."""
    logging.getLogger("torch.distributed.device_mesh").setLevel(logging.ERROR)  # no process group here
    paths = sorted(
        actor.glob("model_world_size_*_rank_*.pt"), key=lambda path: int(path.stem.rsplit("_", 1)[1])
    )
    if not paths or len(paths) != int(paths[0].stem.split("_")[3]):
        raise TrainingError(f"{actor} does not hold every shard of a model.", "Run the same command again.")
    shards = [load(path) for path in paths]
    return {name: join([shard[name] for shard in shards]) for name in shards[0]}


def join(parts: list[Any]) -> Any:
    """One tensor from its parts on each rank: sharded along a dimension, or the same everywhere."""
    import torch

    placements = getattr(parts[0], "placements", ())
    local = [getattr(part, "_local_tensor", part) for part in parts]
    sharded = [placement for placement in placements if placement.is_shard()]
    return torch.cat(local, dim=sharded[0].dim) if sharded else local[0]
