"""The recipe's section `train`: how the policy is trained, and what is watched meanwhile."""

from __future__ import annotations

import operator
from typing import Literal

from pydantic import Field

from verif.recipe.base import Section
from verif.recipe.judgements import JudgementReward


class Watch(Section):
    """What is watched while the policy trains. Shares are of a step's rollouts; the run's first steps are its baseline."""

    on_alarm: Literal["warn", "stop", "repair"] | None = Field(
        None, description="what follows an alarm; left out: repair where there is an oracle, else warn"
    )
    every: int = Field(5, ge=1, description="steps between two looks by the oracle")
    sample: int = Field(32, ge=0, description="rollouts that the oracle judges again at a look; 0 asks none")
    allowed_false: float = Field(
        0.05, gt=0, lt=1, description="share of false among accepted rollouts that raises no alarm"
    )
    false_alarms: float = Field(
        0.05, gt=0, lt=1, description="probability of an alarm in a whole run that stays within allowed_false"
    )
    repairs: int = Field(3, ge=0, description="how often a run may repair its verifier")
    max_unscorable_rise: float = Field(0.3, ge=0, le=1)
    max_signature_rise: float = Field(0.15, ge=0, le=1)
    min_length_ratio: float = Field(0.4, ge=0, le=1)
    min_entropy_ratio: float = Field(0.1, ge=0, le=1)


class Train(Section):
    """veRL. `algorithm` grpo is VerIF's; ppo adds a critic. Token counts are maxima."""

    algorithm: Literal["grpo", "ppo"] = "grpo"
    rollout: Literal["vllm", "transformers"] = "vllm"
    steps: int = Field(40, ge=1)
    prompts_per_step: int = Field(16, ge=2)
    rollouts_per_prompt: int = Field(8, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    critic_learning_rate: float = Field(1e-3, gt=0)
    kl_coefficient: float = Field(0.0, ge=0)
    temperature: float = Field(1.0, gt=0)
    prompt_tokens: int = Field(192, ge=8)
    response_tokens: int = Field(104, ge=8)
    save_every: int = Field(10, ge=1)
    validate_every: int = Field(20, ge=1)
    max_error_share: float = Field(0.2, ge=0, le=1)
    step_timeout_s: float = Field(300, gt=0)
    gpus: int = Field(0, ge=0, description="0 trains on CPU")
    nodes: int = Field(1, ge=1)
    tensor_parallel: int = Field(1, ge=1)
    rollout_share: float = Field(
        0.6, gt=0, lt=1, description="of a GPU's memory, for rollouts", exclude_if=lambda share: share == 0.6
    )
    micro_batch: int = Field(64, ge=1)
    micro_batch_tokens: int = Field(
        0,
        ge=0,
        description="micro-batches of so many tokens instead of rows; 0: rows",
        exclude_if=operator.not_,
    )
    one_forward: bool = Field(
        False,
        description="take the update's own log-probabilities as the old ones: exact, as a batch has one update",
        exclude_if=operator.not_,
    )
    watch: Watch = Watch()
    judgements: JudgementReward | None = Field(
        None, exclude_if=operator.not_, description="for `data.kind: judgements`"
    )
    seed: int = 1
