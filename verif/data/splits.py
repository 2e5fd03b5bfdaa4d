"""What `prepare` makes, whatever the source: instruction splits, and texts to train tiny models on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verif.types import Instruction


@dataclass(frozen=True)
class GoldenItem:
    """A response whose truth is known: per constraint True, False, or None (not known)."""

    instruction: Instruction
    response: str
    truth: list[bool | None]


@dataclass(frozen=True)
class PolicyPair:
    """A prompt and its response to train a tiny policy on; an empty prompt marks plain text."""

    prompt: str
    response: str


@dataclass(frozen=True)
class JudgePair:
    """A judgement to train a tiny judge on: do all soft constraints hold, and the reasoning that says so.

    `broken` is the character of the response at which its language breaks, where the oracle knows of one.
    """

    instruction: Instruction
    response: str
    followed: bool
    reason: str
    broken: int | None = None


@dataclass(frozen=True)
class Splits:
    """Everything that `prepare` writes. `quarantine` rows name what was left out and why."""

    train: list[Instruction]
    validation: list[Instruction]
    test: list[Instruction]
    unseen: list[Instruction] = field(default_factory=list)
    golden: list[GoldenItem] = field(default_factory=list)
    policy_pairs: list[PolicyPair] = field(default_factory=list)
    judge_pairs: list[JudgePair] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
