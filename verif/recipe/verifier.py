"""The recipe's section `verifier`: judge prompting, reward formula, and what the audit must show."""

from __future__ import annotations

import operator

from pydantic import Field

from verif.recipe.base import Section
from verif.recipe.data import LabelFile
from verif.recipe.pressure import PressureSection
from verif.recipe.reference import ReferenceSection
from verif.types import Formula, Reasoning


class AuditGate(Section):
    """What the audit must show before the verifier may teach (lower ends of 95% intervals are not used: values are)."""

    min_recall_false: float = Field(0.9, ge=0, le=1)
    min_accept_true: float = Field(0.9, ge=0, le=1)
    max_attack_success: float = Field(0.1, ge=0, le=1)
    max_flip_rate: float = Field(0.0, ge=0, le=1)


class CascadeSection(Section):
    """A small judge in front of the judge; outside a band of its own probability of pass it decides alone.

    Its server is named by the environment variable `VERIF_SMALL_JUDGE_URL`, its key by `VERIF_SMALL_JUDGE_API_KEY`,
    its model by `digest`. The audit chooses the band for `agreement`; `low` and `high` hold what it chose and are
    not written by hand.
    """

    digest: str
    agreement: float = Field(0.98, ge=0.5, le=1, description="with the judge, where it decides alone")
    low: float = Field(0, ge=0, le=0.5)
    high: float = Field(1, ge=0.5, le=1)


class VerifierSection(Section):
    """Judge prompting, reward formula and audit gate."""

    formula: Formula = Field("average", description="one of `verif/core/reward.py`, or a plugin's")
    unscorable_reward: float = 0.0
    prompt: str = Field("local", description="a file of `verif/core/judge/prompts`, or of a plugin's folder")
    max_judge_tokens: int = Field(64, ge=8)
    judge_deadline_s: float = Field(60, gt=0)
    judge_reasoning_parser: str = Field(
        "",
        description="vLLM's --reasoning-parser for the judge, e.g. deepseek_r1; without it, no schema is sent",
    )
    judge_logprobs: bool = Field(
        False,
        description="ask the judge for its log-probabilities too; `train.dpo.pairs: best-worst` needs them",
        exclude_if=operator.not_,
    )
    cascade: CascadeSection | None = None
    reasoning: Reasoning = Field(
        "auto",
        description="how the policy marks its reasoning; a named format is demanded, `none` cuts nothing",
    )
    audit_items: int = Field(300, ge=10)
    pairs: LabelFile = Field("", description="preference pairs that the audit measures too; no gate")
    price_per_hour: float = Field(0.1, ge=0, description="of the machines that judge: two cloud CPU cores")
    gate: AuditGate = AuditGate()
    pressure: PressureSection | None = Field(None, description="None: the audit asks the golden set only")
    reference: ReferenceSection | None = Field(
        None, description="None: rules alone decide reference answers", exclude_if=operator.not_
    )
