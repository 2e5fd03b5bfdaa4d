"""How much a rollout engine on CPU holds at once, and through what buffer its weights come. Pure arithmetic."""

from __future__ import annotations

import math
from pathlib import Path

from verif.recipe import Train
from verif.system.weights import counts

SEQUENCES = 48
"""Rollouts at a time on CPU: those that end early are judged while others begin, and less is left to wait for."""
MOST_SEQUENCES = 128
BUCKET_MB = 32


def bucket_mb(policy: Path) -> int:
    """The buffer through which fp32 weights go to the engine: veRL refuses a tensor that is larger than it."""
    return max(BUCKET_MB, math.ceil(4 * counts(policy).largest / 2**20))


def sequences(train: Train, *, real: bool) -> int:
    """Rollouts that vLLM on CPU writes at a time: all of a step where several threads work on them together."""
    if not real:
        return SEQUENCES
    return max(SEQUENCES, min(train.prompts_per_step * train.rollouts_per_prompt, MOST_SEQUENCES))


def rollout_tokens(train: Train, *, real: bool) -> int:
    """Tokens that vLLM on CPU may hold at once: its rollouts at their limit, in blocks of 128."""
    tokens = train.prompt_tokens + train.response_tokens
    return sequences(train, real=real) * 128 * math.ceil(tokens / 128)
