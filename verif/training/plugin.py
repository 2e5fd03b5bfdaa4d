"""What veRL loads in each of its processes (`VERL_USE_EXTERNAL_MODULES=verif.training.plugin`).

veRL imports this at the end of its own `__init__`, in a dozen processes, most of which never train. So
nothing heavy happens here: our trainer registers itself right after veRL's trainers are imported, and each
patch is applied right after the module it concerns.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class AfterImport(importlib.abc.MetaPathFinder):
    """Runs `action` once, right after the module `name` has been imported."""

    def __init__(self, name: str, action: Callable[[], object]) -> None:
        self.name, self.action = name, action

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The module's own spec, whose loader calls `action` at its end."""
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute, action = spec.loader.exec_module, self.action

        def exec_module(module: ModuleType) -> None:
            execute(module)
            action()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def after_import(name: str, action: Callable[[], object]) -> None:
    """Call `action` now if `name` is imported already, else right after it is."""
    if name in sys.modules:
        action()
    else:
        sys.meta_path.insert(0, AfterImport(name, action))


def load() -> None:
    """Keep checkpoints data, register the trainer, and on CPU the platform and its patches."""
    after_import("torch", lambda: importlib.import_module("verif.training.data_only").install())
    after_import("verl.trainer.ppo.v1", lambda: importlib.import_module("verif.training.trainer"))
    if os.environ.get("VERIF_DEVICE") == "cpu":
        importlib.import_module("verif.training.cpu_platform")
        from verif.training.patches import install

        install()


load()
