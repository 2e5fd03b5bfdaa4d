"""The rule on veRL's own losses: what is left out reaches no gradient, and the rest is as if it had never been."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")

TOKENS, PROMPT = 5, 3


def batch(scores: list[float], left_out: list[bool], uids: list[str]) -> tuple[Any, Any, Any]:
    """Scores, mask (empty where left out) and random old values of a batch of equal lengths."""
    mask = torch.ones(len(scores), TOKENS, dtype=torch.int64)
    mask[torch.tensor(left_out)] = 0
    rewards = torch.zeros(len(scores), TOKENS)
    rewards[:, -1] = torch.tensor(scores)
    return rewards, mask, uids


def nested(rows: Any) -> Any:
    return torch.nested.as_nested_tensor(list(rows), layout=torch.jagged)


def tensordict(mask: Any, **fields: Any) -> Any:
    from tensordict import TensorDict
    from verl.utils import tensordict_utils as tu

    n = len(mask)
    data = TensorDict(
        {
            "prompts": nested(torch.ones(n, PROMPT, dtype=torch.int64)),
            "responses": nested(torch.ones(n, TOKENS, dtype=torch.int64)),
            "response_mask": nested(mask),
            **{name: nested(value) for name, value in fields.items()},
        },
        batch_size=n,
    )
    tu.assign_non_tensor(data, dp_size=1, batch_num_tokens=int(mask.sum()), global_batch_size=n)
    return data


def policy_gradient(advantages: Any, mask: Any, log_probs: Any, kl: bool) -> Any:
    from verl.workers.config import FSDPActorConfig
    from verl.workers.utils.losses import ppo_loss

    full = torch.zeros(len(mask), PROMPT + TOKENS)
    full[:, PROMPT - 1 : -1] = log_probs
    full.requires_grad_()
    config = FSDPActorConfig(
        strategy="fsdp2",
        rollout_n=4,
        ppo_micro_batch_size_per_gpu=8,
        use_kl_loss=kl,
        kl_loss_coef=0.1,
        entropy_coeff=0.01,
    )
    data = tensordict(mask, old_log_probs=log_probs, advantages=advantages, ref_log_prob=log_probs - 0.3)
    loss, _ = ppo_loss(config, {"log_probs": nested(full), "entropy": nested(full * 0.5)}, data)
    loss.backward()
    return full.grad


def value_gradient(returns: Any, mask: Any, values: Any) -> Any:
    from verl.workers.config import FSDPCriticConfig
    from verl.workers.utils.losses import value_loss

    full = torch.zeros(len(mask), PROMPT + TOKENS)
    full[:, PROMPT - 1 : -1] = values
    full.requires_grad_()
    config = FSDPCriticConfig(strategy="fsdp2", rollout_n=4, ppo_micro_batch_size_per_gpu=8)
    loss, _ = value_loss(config, {"values": nested(full)}, tensordict(mask, values=values, returns=returns))
    loss.backward()
    return full.grad


UIDS = ["a", "a", "a", "a", "b", "b", "b", "b", "pad"]
SCORES = [1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
OUT = [False, False, False, True, True, True, True, True, True]  # one error in a; b has one survivor; padding
KEPT = [0, 1, 2]


def test_grpo_gives_the_left_out_nothing_and_the_rest_what_they_would_have_alone() -> None:
    from verif.training.verl.advantage import grpo

    rewards, mask, uids = batch(SCORES, OUT, UIDS)
    advantages, _ = grpo(rewards, mask, index=uids)
    alone, _ = grpo(rewards[KEPT], mask[KEPT], index=[uids[i] for i in KEPT])
    assert torch.equal(advantages[KEPT], alone)
    assert not advantages[3:].any()
    assert torch.allclose(alone[:, 0], torch.tensor([1.0, -1.0, 0.0]), atol=1e-4)


def test_a_lone_survivor_gets_no_advantage_even_if_its_mask_is_whole() -> None:
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

    from verif.training.verl.advantage import grpo

    rewards, mask, uids = batch([1.0, 0.0, 1.0], [False, True, False], ["a", "a", "b"])
    assert not grpo(rewards, mask, index=uids)[0].any()
    upstream, _ = compute_grpo_outcome_advantage(rewards.clone(), mask, index=["a", "a", "b"])
    assert upstream[2, 0] > 0.99  # what the estimator is there for


@pytest.mark.parametrize("kl", [False, True])
def test_policy_entropy_and_kl_gradients_see_only_what_takes_part(kl: bool) -> None:
    from verif.training.verl.advantage import grpo

    torch.manual_seed(0)
    rewards, mask, uids = batch(SCORES, OUT, UIDS)
    advantages, _ = grpo(rewards, mask, index=uids)
    log_probs = -torch.rand(len(SCORES), TOKENS)
    gradient = policy_gradient(advantages, mask, log_probs, kl)
    assert not gradient[3:].any()
    alone = policy_gradient(advantages[KEPT], mask[KEPT], log_probs[KEPT], kl)
    assert gradient[:3].any()
    assert torch.allclose(gradient[:3], alone)


def test_ppo_advantages_and_value_gradients_see_only_what_takes_part() -> None:
    from verl.trainer.ppo.core_algos import compute_gae_advantage_return

    torch.manual_seed(0)
    rewards, mask, _ = batch(SCORES, OUT, UIDS)
    rewards[torch.tensor(OUT)] = 0
    values = torch.rand(len(SCORES), TOKENS)
    advantages, returns = compute_gae_advantage_return(
        rewards, values, mask, torch.tensor(1.0), torch.tensor(1.0)
    )
    alone_a, alone_r = compute_gae_advantage_return(
        rewards[KEPT], values[KEPT], mask[KEPT], torch.tensor(1.0), torch.tensor(1.0)
    )
    assert torch.allclose(advantages[KEPT], alone_a, atol=1e-5)
    assert torch.allclose(returns[KEPT], alone_r)
    gradient = value_gradient(returns, mask, values)
    assert not gradient[3:].any()
    assert torch.allclose(gradient[:3], value_gradient(alone_r, mask[KEPT], values[KEPT]))
    log_probs = -torch.rand(len(SCORES), TOKENS)
    assert not policy_gradient(advantages, mask, log_probs, False)[3:].any()
