"""The section of stage `train`: the algorithm, how often the generator gets the trainer's weights, and the watch."""

from __future__ import annotations

import operator
from typing import Any, Literal

from pydantic import Field, model_validator

from verif.recipe.base import Section
from verif.recipe.judgements import JudgementReward
from verif.recipe.lora import Lora


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


class DpoSection(Section):
    """DPO (arXiv 2305.18290) on pairs of a prompt's own rollouts, as in arXiv 2506.21495."""

    beta: float = Field(0.1, gt=0)
    pairs: Literal["random", "best-worst"] = Field(
        "random",
        description="random: one with reward 1 against one below; best-worst: by reward, then by the judge's probability",
    )
    reference: Literal["synced", "start"] = Field(
        "synced", description="synced: what generated the rollouts; start: the policy before training"
    )


def _unless(default: object) -> Any:
    """A key that is left out of what a recipe writes down while it has its default, so that older names still hold."""
    return lambda value: value == default


class Train(Section):
    """veRL. `algorithm` grpo is VerIF's; ppo adds a critic; dpo learns from pairs. Token counts are maxima."""

    algorithm: Literal["grpo", "ppo", "dpo"] = "grpo"
    rollout: Literal["vllm", "transformers"] = "vllm"
    steps: int = Field(40, ge=1)
    sync_every: int = Field(
        1,
        ge=0,
        description="updates between two times that the generator gets the weights: 1 online, more semi-online, 0 never",
        exclude_if=_unless(1),
    )
    overlap: bool = Field(
        False,
        description="generate the next cycle while the trainer updates (its rollouts are one cycle older)",
        exclude_if=_unless(False),
    )
    dpo: DpoSection = Field(DpoSection(), exclude_if=_unless(DpoSection()))
    draw: Literal["uniform", "pass-rate"] = Field(
        "uniform",
        description="pass-rate: rows whose rewards differ most come first, by `verif difficulty`",
        exclude_if=_unless("uniform"),
    )
    refill: int = Field(
        0,
        ge=0,
        le=16,
        description="times at most, each step, that prompts whose rewards are all equal are replaced; for grpo",
        exclude_if=operator.not_,
    )
    prompts_per_step: int = Field(16, ge=2)
    rollouts_per_prompt: int = Field(8, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    critic_learning_rate: float = Field(1e-3, gt=0)
    adam_eps: float = Field(1e-8, gt=0, exclude_if=_unless(1e-8))
    clip_grad: float = Field(1.0, gt=0, description="norm of the whole gradient", exclude_if=_unless(1.0))
    kl_coefficient: float = Field(0.0, ge=0)
    temperature: float = Field(1.0, gt=0)
    prompt_tokens: int = Field(192, ge=8)
    response_tokens: int = Field(104, ge=8)
    save_every: int = Field(10, ge=1)
    validate_every: int = Field(20, ge=1)
    max_error_share: float = Field(0.2, ge=0, le=1)
    step_timeout_s: float = Field(300, gt=0)
    gpus: int = Field(0, ge=0, description="0 trains on CPU")
    generator_gpus: int = Field(
        0,
        ge=0,
        description="GPUs of each node that only generate, beside `gpus`; 0: trainer and generator take turns",
        exclude_if=operator.not_,
    )
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
    lora: Lora | None = Field(
        None,
        exclude_if=operator.not_,
        description="train adapters instead of all weights; left out: all weights",
    )
    watch: Watch = Watch()
    judgements: JudgementReward | None = Field(
        None, exclude_if=operator.not_, description="for `data.kind: judgements`"
    )
    seed: int = 1

    @property
    def cycle(self) -> int:
        """Updates from one time that the generator gets the weights to the next; never is the whole run."""
        return self.sync_every or self.steps

    @property
    def on_policy(self) -> bool:
        """Whether each update's rollouts are of the very weights that it changes."""
        return self.cycle == 1 and not self.overlap

    @property
    def node_gpus(self) -> int:
        """GPUs of a node that training holds, those of the generator included."""
        return self.gpus + self.generator_gpus

    @property
    def rows_per_step(self) -> int:
        """Rollouts that an update is made of at most: all, or the two of each prompt's pair."""
        return self.prompts_per_step * (2 if self.algorithm == "dpo" else self.rollouts_per_prompt)

    @property
    def has_reference(self) -> bool:
        """Whether a reference policy is loaded beside the trained one: for a KL term, or as DPO's fixed reference."""
        return self.kl_coefficient > 0 or (self.algorithm == "dpo" and self.dpo.reference == "start")

    @model_validator(mode="after")
    def _cycles_are_whole(self) -> Train:
        every = self.sync_every
        if self.one_forward and (self.algorithm == "dpo" or not self.on_policy):
            raise ValueError(
                "one_forward: with dpo, overlap or a cycle of updates the rollouts are not the present policy's;"
                " leave it off"
            )
        if self.lora and (self.algorithm == "dpo" or not self.on_policy):
            raise ValueError(
                "lora: veRL may ask for a reference without adapters and forget to put them back within a cycle;"
                " take grpo or ppo with sync_every 1 and no overlap, or leave lora out"
            )
        if self.judgements and (self.algorithm == "dpo" or not self.on_policy):
            raise ValueError(
                "judgements: their rollouts are grouped by pair; take grpo or ppo with sync_every 1, no overlap"
            )
        if self.refill and (self.algorithm != "grpo" or not self.on_policy or self.judgements):
            raise ValueError(
                "refill: replaces groups of grpo with sync_every 1 and no overlap; judgements have their own draws"
            )
        if self.draw != "uniform" and self.judgements:
            raise ValueError("draw: both questions of a pair stand side by side; leave it at uniform")
        if every > 1 and self.steps % every:
            raise ValueError(
                f"sync_every: {every} does not divide the {self.steps} steps, and the last cycle would be cut short"
            )
        if every > 1 and self.save_every % every:
            raise ValueError(
                f"save_every: {self.save_every} lies inside a cycle of {every} updates; take a multiple of sync_every"
            )
        if every == 0 and self.watch.on_alarm in (None, "repair"):
            raise ValueError(
                "sync_every: 0 judges every rollout before the first update, so no repair of the verifier would reach"
                " them; set watch.on_alarm to warn or stop"
            )
        if self.overlap and self.gpus and not self.generator_gpus:
            raise ValueError(
                "overlap: on GPUs trainer and generator take turns on the same devices; give the generator its own"
                " with generator_gpus, or leave it off"
            )
        if self.overlap and every == 0:
            raise ValueError("overlap: with sync_every 0 there is no next cycle")
        return self

    @model_validator(mode="after")
    def _dpo_can_run(self) -> Train:
        if self.algorithm != "dpo":
            return self
        if self.kl_coefficient > 0:
            raise ValueError("kl_coefficient: dpo holds to its reference by dpo.beta; set it to 0")
        if self.rows_per_step % self.rollouts_per_prompt:
            raise ValueError(
                f"rollouts_per_prompt: {self.rollouts_per_prompt} does not divide the {self.rows_per_step} rows of"
                f" {self.prompts_per_step} pairs; veRL counts batches in prompts of so many rollouts"
            )
        return self
