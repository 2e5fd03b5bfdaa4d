"""What a stage needs of a machine."""

from __future__ import annotations

from typing import Literal

from verif.recipe.base import Section


class Resources(Section):
    """What one stage needs, and where it runs."""

    executor: Literal["local", "kubernetes"] = "local"
    gpus: int = 0
    nodes: int = 1
    cpus: int = 2
    memory_gb: int = 12
    gpu_type: str = ""
    deadline_h: float = 24
