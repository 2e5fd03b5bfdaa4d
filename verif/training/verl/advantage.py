"""Advantage estimators that know which rollouts take part.

A row without loss tokens (left out by `sampler.py`, or veRL's padding) is in no group: it changes neither
mean nor deviation, and its advantage is 0. For PPO veRL's own `gae` is used (it hands values to no registered
estimator): it whitens over `response_mask` only, and its losses see nothing where the mask is empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from verl.trainer.ppo.core_algos import register_adv_est

NAME = "verif_grpo"
EPSILON = 1e-6
"""As in veRL's GRPO; a group of equal rewards has advantages of 0."""


@register_adv_est(NAME)  # type: ignore[untyped-decorator]
def grpo(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: Sequence[Any],
    config: Any = None,
    **_: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """GRPO's outcome advantage over the rollouts that take part; both results are (rollouts, tokens).

    `index` names each row's group. Groups with fewer than two such rows get 0, where veRL's `grpo` would
    give a lone one its raw score. With `norm_adv_by_std_in_grpo: false` (Dr.GRPO) nothing is divided.
    """
    scores = (token_level_rewards * response_mask).sum(-1)
    taking_part = response_mask.sum(-1) > 0
    groups: dict[Any, list[int]] = defaultdict(list)
    for row, uid in enumerate(index):
        if taking_part[row]:
            groups[uid].append(row)
    normalise = True if config is None else bool(config.get("norm_adv_by_std_in_grpo", True))
    advantages = torch.zeros_like(scores)
    for rows in groups.values():
        if len(rows) >= 2:
            group = scores[rows]
            centred = group - group.mean()
            advantages[rows] = centred / (group.std() + EPSILON) if normalise else centred
    spread = advantages.unsqueeze(-1) * response_mask
    return spread, spread
