"""DPO's weights and the distance from the generator, read from veRL's queue and written back to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict

from verif.training.dpo import Sums, prefer

REFERENCES = {"synced": "rollout_log_probs", "start": "ref_log_prob"}
"""The field with the reference's log-probabilities. What generated the rollouts is the policy as it was last synced."""


def weigh(
    batch: Any, pairs: Sequence[tuple[str, str]], beta: float, reference: str
) -> tuple[Any, dict[str, float]]:
    """Write each row's weight as its advantage; returns the batch with these fields, and loss, margin and accuracy.

    veRL divides its loss by the tokens of the batch, and so the weights are for that many. Its workers fetch the fields
    that the batch names, which are those known when it was last written.
    """
    field = REFERENCES[reference]
    fields = ["response_mask", "old_log_probs", field]
    queued = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=fields)
    rows = {name: queued[name].unbind() for name in fields}  # each index would take all rows apart
    masks = {key: rows["response_mask"][index].double() for index, key in enumerate(batch.keys)}
    sums = {
        key: Sums(
            float((rows["old_log_probs"][index].double() * masks[key]).sum()),
            float((rows[field][index].double() * masks[key]).sum()),
        )
        for index, key in enumerate(batch.keys)
    }
    weights: dict[str, float] = {}
    said: dict[str, float] = {}
    if pairs:
        tokens = int(sum(mask.sum() for mask in masks.values()))
        made = prefer([sums[good] for good, _ in pairs], [sums[bad] for _, bad in pairs], beta, tokens)
        for (chosen, rejected), weight in zip(pairs, made.weights, strict=True):
            weights[chosen], weights[rejected] = weight, -weight
        said = {"dpo/loss": made.loss, "dpo/margin": made.margin, "dpo/accuracy": made.accuracy}
    spread = nested([weights.get(key, 0.0) * masks[key].float() for key in batch.keys])
    written = tq.kv_batch_put(
        keys=batch.keys,
        partition_id=batch.partition_id,
        fields=TensorDict({"advantages": spread, "returns": spread.clone()}, batch_size=len(batch.keys)),
    )
    return written, said


def against_generator(batch: Any, *, replace: bool) -> float:
    """Mean distance of a response's log-probability from its generator's, in nats a sequence.

    With `replace` the generator's stand in for the old ones afterwards: a clip is against what drew the rollouts.
    """
    fields = ["response_mask", "old_log_probs", "rollout_log_probs"]
    rows = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=fields)
    apart = [
        abs(float(((old.double() - drawn.double()) * mask).sum()))
        for mask, old, drawn in zip(*(list(rows[name].unbind()) for name in fields), strict=True)
        if mask.any()
    ]
    if replace:
        tq.kv_batch_put(
            keys=batch.keys,
            partition_id=batch.partition_id,
            fields=TensorDict({"old_log_probs": rows["rollout_log_probs"]}, batch_size=len(batch.keys)),
        )
    return sum(apart) / len(apart) if apart else 0.0


def nested(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Rows of different lengths, as veRL keeps them."""
    return torch.nested.as_nested_tensor(list(rows), layout=torch.jagged)
