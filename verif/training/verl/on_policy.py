"""The old policy's log-probabilities without a forward of their own.

verif makes one update of each batch, so the policy that wrote it is the one that is updated: the ratio of the two is 1 and
its gradient that of the log-probability. veRL computes the old ones beforehand, a third of a step's forwards. Here the
loss takes its own, held fixed; value and gradient are the same (`tests/training/test_on_policy.py`). The batch's
entropy, which veRL measures in that forward, is estimated from the sampled tokens: minus their mean log-probability.
"""

from __future__ import annotations

from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict
from verl.trainer.ppo.core_algos import compute_policy_loss_vanilla, register_policy_loss

NAME = "verif_on_policy"


@register_policy_loss(NAME)  # type: ignore[arg-type, untyped-decorator, unused-ignore]
def loss(
    old_log_prob: torch.Tensor,  # noqa: ARG001 - a place that veRL wants filled
    log_prob: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    loss_agg_mode: str = "token-mean",
    config: Any = None,
    rollout_is_weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, Any]]:
    """veRL's clipped loss at a ratio of 1; tensors are (sequences, tokens of a response)."""
    own = log_prob.detach()
    value, metrics = compute_policy_loss_vanilla(
        own, log_prob, advantages, response_mask, loss_agg_mode, config, rollout_is_weights
    )
    mask = response_mask.to(log_prob.dtype)
    tokens = mask.sum().clamp(min=1)
    return value, {**metrics, "actor/entropy": float(-(own * mask).sum() / tokens)}


def without_old_log_probs(batch: Any) -> Any:
    """Fill the place of the old log-probabilities with zeros, which the loss does not read."""
    rows = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["response_mask"])
    lengths = rows["response_mask"].offsets().diff().tolist()
    zeros = torch.nested.as_nested_tensor([torch.zeros(length) for length in lengths], layout=torch.jagged)
    fields = TensorDict({"old_log_probs": zeros}, batch_size=len(lengths))
    return tq.kv_batch_put(keys=batch.keys, partition_id=batch.partition_id, fields=fields)
