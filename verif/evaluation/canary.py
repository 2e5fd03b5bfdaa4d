"""The general canary: how likely plain text still is to the model, apart from any instruction.

The number is the geometric mean probability per token, so that a drop is in the same unit as an accuracy. A policy
that forgets its language while it learns to please the verifier falls here first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.stats import bootstrap_mean, paired_bootstrap

TEXTS = 300


def plain_texts(pairs: Path, seed: int) -> list[str]:
    """Plain texts of the prepared corpus (empty prompt), or responses where it has none."""
    import random

    from verif.data.tables import read_policy_pairs

    found = [(pair.prompt, pair.response) for pair in read_policy_pairs(pairs)]
    plain = [text for prompt, text in found if not prompt] or [text for _, text in found]
    return random.Random(seed).sample(plain, min(TEXTS, len(plain)))


def world_texts(seed: int) -> list[str]:
    """Fresh plain texts of the local world, in no training file."""
    import random

    from verif.data.world import plain_text

    rng = random.Random(seed * 1_000_003 + 11)
    return [plain_text(rng) for _ in range(TEXTS)]


def canary(before: Path, after: Path, texts: Sequence[str], samples: int, seed: int) -> dict[str, Any]:
    """Probability per token before and after, and the paired drop (positive is worse)."""
    from verif.training.tiny.pretrain import text_likelihood

    first, second = ([math.exp(x) for x in text_likelihood(folder, texts)] for folder in (before, after))
    return {
        "before": bootstrap_mean(first, None, samples, seed).as_dict(),
        "after": bootstrap_mean(second, None, samples, seed).as_dict(),
        "drop": paired_bootstrap(second, first, None, samples, seed).as_dict(),
    }
