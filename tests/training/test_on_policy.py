"""One forward instead of two: the same loss and the same gradient as with old log-probabilities computed beforehand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")


@pytest.mark.slow
def test_the_gradient_is_that_of_computed_old_log_probabilities() -> None:
    from verl.trainer.ppo.core_algos import compute_policy_loss_vanilla
    from verl.workers.config import ActorConfig

    from verif.training.verl.on_policy import loss

    torch.manual_seed(5)
    config = ActorConfig(strategy="fsdp2", rollout_n=2, ppo_micro_batch_size_per_gpu=2, use_dynamic_bsz=False)
    logits = torch.randn(4, 7, 11)
    tokens, mask = torch.randint(11, (4, 7, 1)), torch.arange(7) < torch.tensor([[7], [3], [5], [0]])
    advantages = torch.randn(4, 1).expand(4, 7) * mask
    gradients, values = [], []
    for function in (compute_policy_loss_vanilla, loss):
        given = logits.clone().requires_grad_()
        spoken = given.log_softmax(-1).gather(-1, tokens).squeeze(-1)
        value, metrics = function(spoken.detach(), spoken, advantages, mask, "token-mean", config, None)
        value.backward()
        gradients.append(given.grad)
        values.append(value.detach())
    assert torch.equal(values[0], values[1])
    assert torch.equal(gradients[0], gradients[1])
    assert metrics["actor/entropy"] == pytest.approx(float(-spoken.detach()[mask].mean()), rel=1e-5)
