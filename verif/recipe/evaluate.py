"""The recipe's sections `evaluate` and `register`: what is measured, and what it must show."""

from __future__ import annotations

import operator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from verif.recipe.base import Section

BENCHMARK_FILES = PurePosixPath("benchmark-files")
"""Where benchmarks' rows stand: `evaluate` depends on this folder."""


class BenchmarkSource(Section):
    """One benchmark: its name in `verif bench list` and where its rows are.

    They are a local file, `path` in a pinned `repo`, or `path` in a package of the index (`distribution`, `version`,
    `sha256` of the file). A local file lies in `benchmark-files/`, or `digest` names its content (`verif run --set`
    fills that in).
    """

    name: str
    path: str = ""
    repo: str = ""
    revision: str = ""
    digest: str = ""
    distribution: str = Field("", exclude_if=operator.not_)
    version: str = Field("", exclude_if=operator.not_)
    sha256: str = Field("", exclude_if=operator.not_)
    limit: int | None = None


class Evaluate(Section):
    """What is measured, before and after."""

    benchmarks: tuple[BenchmarkSource, ...] = (
        BenchmarkSource(name="world-test"),
        BenchmarkSource(name="world-unseen"),
    )
    response_tokens: int = Field(128, ge=8)
    general_tasks: tuple[str, ...] = ()
    bootstrap: int = Field(10000, ge=100)
    sft_control: bool = True
    sft_control_steps: int = Field(1500, ge=1, description="about one minute of one core")
    seed: int = 7


class PromotionGate(Section):
    """What a model must show to become champion. Margins are in accuracy points as shares (0.01 = 1 point)."""

    min_gain: float = 0.0
    max_canary_drop: float = 0.1
    max_family_drop: float = 0.15
    max_attack_success: float = 0.1


class Register(Section):
    """MLflow registration and promotion."""

    model_name: str = "verif-local"
    upload_below_mb: float = 200
    alias_moved: Literal["gate", "put-back", "keep"] = "gate"
    gate: PromotionGate = PromotionGate()
