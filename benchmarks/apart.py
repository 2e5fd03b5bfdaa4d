"""`python -m benchmarks.apart`, in a project: the stage `train` with a generator on a device of its own, on CPU.

What `train.generator_gpus` does on GPUs, but for NCCL: veRL starts vLLM apart from the trainer, on a second logical device of
Ray, and the weights are broadcast to it, over gloo. The recipe stays one for CPU, as `verif stage train` reads it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from verif.cli.app import main as verif
from verif.recipe import Train
from verif.training import command, launch

DEVICES = "+ray_kwargs.ray_init.num_gpus"
CPU_JOB = command.job


def job(train: Train, *where: Any, **named: Any) -> command.CommandLine:
    """veRL's command for the recipe, with the settings of `command.apart` and two logical devices."""
    made = CPU_JOB(train, *where, **named)
    settings = {**command.apart(train.model_copy(update={"generator_gpus": 1})), DEVICES: 2}
    kept = [part for part in made.arguments if not part.startswith(f"{DEVICES}=")]
    return replace(
        made,
        arguments=(*kept, *(f"{key}={value}" for key, value in settings.items())),
        environment={**made.environment, "CUDA_VISIBLE_DEVICES": "0,1"},
    )


if __name__ == "__main__":
    setattr(launch, "job", job)  # noqa: B010 a name that the module only imports
    sys.argv[1:] = ["stage", "train"]
    verif()
