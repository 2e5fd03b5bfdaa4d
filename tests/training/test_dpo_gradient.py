"""The weights make exactly DPO's gradient: veRL's own loss against autograd on DPO's formula, on the same batch.

With rows that are padding or in no pair, responses of different lengths, micro-batches that split pairs, and two ranks
over gloo that hold one half of a pair each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from verif.training.dpo import Sums, prefer

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")

WORDS, PROMPT, TOKENS, BETA = 11, 3, 6, 0.3
PAIRS = ((0, 5), (6, 2), (3, 7))
"""Rows (chosen, rejected); row 1 is in no pair, row 4 is veRL's padding."""
ROWS = 8


def batch() -> tuple[Any, Any, Any]:
    """Token ids, the mask of response tokens that count, and the reference's log-probabilities."""
    draw = torch.Generator().manual_seed(3)
    ids = torch.randint(0, WORDS, (ROWS, PROMPT + TOKENS), generator=draw)
    mask = torch.zeros(ROWS, TOKENS, dtype=torch.int64)
    for row in {row for pair in PAIRS for row in pair}:
        mask[row, : 2 + row % 5] = 1
    reference = log_probs(model(4), ids).detach()
    return ids, mask, reference


def model(seed: int) -> Any:
    """A language model of two words' memory: logits of the next token after each."""
    weights = torch.randn(WORDS, WORDS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return weights.requires_grad_()


def log_probs(weights: Any, ids: Any) -> Any:
    """Of each response token, (rows, TOKENS)."""
    said = torch.log_softmax(weights[ids[:, :-1]], -1)
    return said.gather(-1, ids[:, 1:, None])[..., 0][:, PROMPT - 1 :]


def by_autograd() -> Any:
    """DPO's loss as it is written, and its gradient."""
    ids, mask, reference = batch()
    weights = model(5)
    gain = ((log_probs(weights, ids) - reference) * mask).sum(-1)
    margins = torch.stack([BETA * (gain[one] - gain[other]) for one, other in PAIRS])
    loss = -torch.nn.functional.logsigmoid(margins).mean()
    loss.backward()
    return loss.detach(), weights.grad


def nested(rows: Any) -> Any:
    return torch.nested.as_nested_tensor(list(rows), layout=torch.jagged)


def by_weights(rows: list[int], dp_size: int, micro: int) -> tuple[float, Any]:
    """One rank's gradient through veRL's loss, from the rows it holds in micro-batches of `micro`."""
    from tensordict import TensorDict
    from verl.utils import tensordict_utils as tu
    from verl.workers.config import FSDPActorConfig
    from verl.workers.utils.losses import ppo_loss

    ids, mask, reference = batch()
    weights = model(5)
    old = log_probs(weights, ids).detach()
    policy, start = (old * mask).sum(-1).tolist(), (reference * mask).sum(-1).tolist()
    sums = [Sums(policy[row], start[row]) for row in range(ROWS)]
    tokens = int(mask.sum())
    preferred = prefer([sums[one] for one, _ in PAIRS], [sums[other] for _, other in PAIRS], BETA, tokens)
    advantages = torch.zeros(ROWS, TOKENS, dtype=torch.float64)
    for (chosen, rejected), weight in zip(PAIRS, preferred.weights, strict=True):
        advantages[chosen], advantages[rejected] = weight, -weight
    config = FSDPActorConfig(strategy="fsdp2", rollout_n=4, ppo_micro_batch_size_per_gpu=8)
    for begin in range(0, len(rows), micro):
        part = rows[begin : begin + micro]
        full = torch.zeros(len(part), PROMPT + TOKENS, dtype=torch.float64)
        full[:, PROMPT - 1 : -1] = log_probs(weights, ids[part])
        fields = {
            "prompts": nested(ids[part, :PROMPT]),
            "responses": nested(ids[part, PROMPT:]),
            "response_mask": nested(mask[part]),
            "old_log_probs": nested(old[part]),
            "advantages": nested(advantages[part]),
        }
        rows_of_part = TensorDict(fields, batch_size=len(part))
        tu.assign_non_tensor(rows_of_part, dp_size=dp_size, batch_num_tokens=tokens, global_batch_size=ROWS)
        loss, _ = ppo_loss(config, {"log_probs": nested(full)}, rows_of_part)
        loss.backward()
    return preferred.loss, weights.grad


def apart(one: Any, other: Any) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("micro", [8, 3, 1])
def test_the_gradient_is_dpos_however_the_batch_is_split(micro: int) -> None:
    loss, expected = by_autograd()
    said, found = by_weights(list(range(ROWS)), 1, micro)
    assert said == pytest.approx(float(loss), rel=1e-9)
    assert apart(found, expected) <= 1e-5


def rank(number: int, folder: str) -> None:
    """One of two processes: this file is its program."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2
    )
    _, found = by_weights(list(range(ROWS))[number::2], 2, 2)
    torch.distributed.all_reduce(found)
    if number == 0:
        torch.save(found / 2, f"{folder}/gradient")
    torch.distributed.destroy_process_group()


def test_two_ranks_that_hold_half_of_a_pair_each_make_the_same_gradient(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    loopback = {"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo", "PYTHONPATH": root}
    ranks = [
        subprocess.Popen(
            [sys.executable, __file__, str(number), str(tmp_path)], env={**os.environ, **loopback}
        )
        for number in range(2)
    ]
    assert [process.wait(300) for process in ranks] == [0, 0]
    found = torch.load(tmp_path / "gradient", weights_only=True)
    assert apart(found, by_autograd()[1]) <= 1e-5


if __name__ == "__main__":
    rank(int(sys.argv[1]), sys.argv[2])
