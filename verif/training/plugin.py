"""What veRL loads in each of its processes (`VERL_USE_EXTERNAL_MODULES=verif.training.plugin`).

veRL imports this at the end of its own `__init__`, in a dozen processes, most of which never train. So
nothing heavy happens here: our trainer registers itself right after veRL's trainers are imported, and each
patch is applied right after the module it concerns.
"""

from __future__ import annotations

import importlib
import os

from verif.training import queue_key
from verif.training.after_import import after_import


def load() -> None:
    """Register the trainer, close what listens, and on CPU load the platform and its patches."""
    after_import("verl.trainer.ppo.v1", lambda: importlib.import_module("verif.training.trainer"))
    from verif.loopback import bind_stores

    if os.environ.get("VERIF_LOOPBACK") == "1":
        after_import("torch.distributed.rendezvous", bind_stores)
    queue_key.install()
    if os.environ.get("VERIF_DEVICE") == "cpu":
        importlib.import_module("verif.training.cpu_platform")
        from verif.training.patches import install

        install()


load()
