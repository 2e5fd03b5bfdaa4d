"""The trained model in Hugging Face form, from veRL's last checkpoint.

veRL's own merger rounds to bf16 and saves the tokenizer anew. Here weights keep the starting policy's
precision, and every file of the policy that is no weight (tokenizer, chat template, generation settings) is
copied as it is, so that both models read and stop alike. Adapters of LoRA are merged into what they change.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from verif.errors import TrainingError
from verif.system.files import new_directory
from verif.training.data_only import OURS, load

PEFT, LORA_A, LORA_B = "base_model.model.", "lora_A", "lora_B"
LORA_META = "lora_train_meta.json"
"""How peft names what it wraps, and the file in which veRL's checkpoint holds rank and alpha."""
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
    """The full weights from FSDP's shards: `model_world_size_W_rank_R.pt` for R = 0 to W - 1. Adapters are merged."""
    logging.getLogger("torch.distributed.device_mesh").setLevel(logging.ERROR)  # no process group here
    paths = sorted(
        actor.glob("model_world_size_*_rank_*.pt"), key=lambda path: int(path.stem.rsplit("_", 1)[1])
    )
    if not paths or len(paths) != int(paths[0].stem.split("_")[3]):
        raise TrainingError(f"{actor} does not hold every shard of a model.", "Run the same command again.")
    shards = [load(path) for path in paths]
    return merged({name: join([shard[name] for shard in shards]) for name in shards[0]}, actor)


def merged(state: dict[str, Any], actor: Path) -> dict[str, Any]:
    """Plain weights from those of a model with LoRA's adapters, each W + alpha / rank * B A in its own precision.

    `TrainingError` if the checkpoint does not say with which alpha.
    """
    changes = {name for name in state if f".{LORA_A}." in name}
    if not changes:
        return state
    try:
        said = json.loads((actor / LORA_META).read_text("utf-8"))
        scale = said["lora_alpha"] / said["r"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise TrainingError(
            f"{actor / LORA_META} does not say how much the adapters count: {error}",
            "Run the same command again.",
        ) from None
    plain = {}
    for name, tensor in state.items():
        if f".{LORA_A}." in name or f".{LORA_B}." in name:
            continue
        place = name.removeprefix(PEFT).replace(".base_layer.", ".")
        first = name.replace(".base_layer.weight", f".{LORA_A}.default.weight")
        second = first.replace(LORA_A, LORA_B)
        if ".base_layer.weight" in name and first in changes and second in state:
            changes.discard(first)
            change = state[second].float() @ state[first].float()
            tensor = (tensor.float() + scale * change).to(tensor.dtype)
        plain[place] = tensor
    if changes:
        raise TrainingError(f"{actor}: an adapter without its layer or its other half: {sorted(changes)[0]}.")
    return plain


def join(parts: list[Any]) -> Any:
    """One tensor from its parts on each rank: sharded along a dimension, or the same everywhere."""
    import torch

    placements = getattr(parts[0], "placements", ())
    local = [getattr(part, "_local_tensor", part) for part in parts]
    sharded = [placement for placement in placements if placement.is_shard()]
    return torch.cat(local, dim=sharded[0].dim) if sharded else local[0]
