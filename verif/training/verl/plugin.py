"""What veRL loads in each of its processes (`VERL_USE_EXTERNAL_MODULES=verif.training.verl.plugin`).

veRL imports this at the end of its own `__init__`, in a dozen processes, most of which never train. So
nothing heavy happens here: our trainer registers itself right after veRL's trainers are imported, and each
patch is applied right after the module it concerns.
"""

from __future__ import annotations

import importlib
import os

from verif.training.verl import queue_key
from verif.training.verl.after_import import after_import


def load() -> None:
    """Keep checkpoints data, register the trainer, close what listens, apply the patches, and on CPU load the platform."""
    after_import("torch", lambda: importlib.import_module("verif.training.data_only").install())
    after_import("verl.trainer.ppo.v1", lambda: importlib.import_module("verif.training.verl.trainer"))
    if os.environ.get("VERIF_ONE_FORWARD") == "1":
        after_import(
            "verl.trainer.ppo.core_algos", lambda: importlib.import_module("verif.training.verl.on_policy")
        )
    from verif.system.loopback import bind_stores

    if os.environ.get("VERIF_LOOPBACK") == "1":
        after_import("torch.distributed.rendezvous", bind_stores)
    queue_key.install()
    from verif.training.verl import patches

    if os.environ.get("VERIF_DEVICE") == "cpu":
        importlib.import_module("verif.training.verl.cpu_platform")
        patches.install(patches.patches())
    else:
        patches.install(patches.patches_for_gpus())


load()
