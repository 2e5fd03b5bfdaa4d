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

    read = [(pair.prompt, pair.response) for pair in read_policy_pairs(pairs)]
    plain = [text for prompt, text in read if not prompt] or [text for _, text in read]
    return random.Random(seed).sample(plain, min(TEXTS, len(plain)))


def world_texts(seed: int) -> list[str]:
    """Fresh plain texts of the local world, in no training file."""
    import random

    from verif.data.world import plain_text

    rng = random.Random(seed * 1_000_003 + 11)
    return [plain_text(rng) for _ in range(TEXTS)]


def canary(
    before: Path,
    after: Path,
    texts: Sequence[str],
    samples: int,
    seed: int,
    *,
    gpus: int = 0,
    logs: Path | None = None,
) -> dict[str, Any]:
    """Probability per token before and after, and the paired drop (positive is worse).

    With `gpus` the models are served on them; without, they are small and read here.
    """
    first, second = (
        [math.exp(x) for x in likelihoods(folder, texts, gpus, logs, name)]
        for name, folder in (("before", before), ("after", after))
    )
    return {
        "before": bootstrap_mean(first, None, samples, seed).as_dict(),
        "after": bootstrap_mean(second, None, samples, seed).as_dict(),
        "drop": paired_bootstrap(second, first, None, samples, seed).as_dict(),
    }


def likelihoods(folder: Path, texts: Sequence[str], gpus: int, logs: Path | None, name: str) -> list[float]:
    """Mean log-likelihood per token of each text under the model in a folder."""
    if not gpus:
        from verif.training.tiny.inference import text_likelihood

        return text_likelihood(folder, texts)
    from verif.evaluation.likelihood import served_likelihood, token_rows
    from verif.evaluation.run import context_of
    from verif.system.serving import serve

    context = context_of(folder)
    rows = token_rows(folder, texts, context)
    log = (logs or folder.parent) / f"canary-{name}.log"
    with serve(folder, log=log, gpus=gpus, context=context) as url:
        return served_likelihood(url, rows)
