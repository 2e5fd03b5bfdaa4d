"""What veRL's workers are told: the actor with its reference, and PPO's critic. Part of `command.py`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from verif.recipe import Train
from verif.system.processor import precision
from verif.training.environment import Notation, RunFiles, Value

ON_POLICY = "verif_on_policy"
"""The policy loss of `verif.training.verl.on_policy`."""


def actor(train: Train, places: RunFiles) -> dict[str, Value]:
    """FSDP2. One update per step from all rollouts: on policy, so that masked rows are masked once."""
    prefix = "actor_rollout_ref.actor"
    settings: dict[str, Value] = {
        f"{prefix}.strategy": "fsdp2",
        f"{prefix}.optim.lr": train.learning_rate,
        f"{prefix}.optim.weight_decay": 0.0,
        f"{prefix}.ppo_mini_batch_size": train.rows_per_step
        // train.rollouts_per_prompt,  # veRL multiplies again
        f"{prefix}.ppo_micro_batch_size_per_gpu": micro_batch(train),
        f"{prefix}.entropy_coeff": 0,
        f"{prefix}.use_kl_loss": train.has_reference,  # what makes veRL load one
        f"{prefix}.data_loader_seed": train.seed,
        f"{prefix}.fsdp_config.seed": train.seed,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": micro_batch(train),
    }
    if train.adam_eps != Train.model_fields["adam_eps"].default:
        settings[f"{prefix}.optim.override_optimizer_config"] = Notation(f"{{eps:{train.adam_eps}}}")
    if train.clip_grad != Train.model_fields["clip_grad"].default:
        settings[f"{prefix}.optim.clip_grad"] = train.clip_grad
    if train.has_reference:
        settings |= {
            f"{prefix}.kl_loss_coef": train.kl_coefficient,  # 0 with DPO, whose loss has the reference in it
            f"{prefix}.kl_loss_type": "low_var_kl",
            "actor_rollout_ref.ref.strategy": "fsdp2",
        }
    if train.one_forward:
        settings[f"{prefix}.policy_loss.loss_mode"] = ON_POLICY
    if train.micro_batch_tokens:
        settings |= {
            f"{prefix}.use_dynamic_bsz": True,  # rollout and reference follow it
            f"{prefix}.ppo_max_token_len_per_gpu": train.micro_batch_tokens,
        }
    if not train.gpus:
        for name in (prefix, "actor_rollout_ref.ref"):
            settings |= {f"{name}.use_torch_compile": False} | _computed(f"{name}.fsdp_config", places.policy)
    return settings


def critic(train: Train, places: RunFiles) -> dict[str, Value]:
    """PPO's critic starts from the policy's weights with a fresh value head."""
    settings: dict[str, Value] = {
        "critic.strategy": "fsdp2",
        "critic.model.path": str(places.policy),
        "critic.optim.lr": train.critic_learning_rate,
        "critic.optim.weight_decay": 0.0,
        "critic.ppo_micro_batch_size_per_gpu": micro_batch(train),
        "critic.data_loader_seed": train.seed,
        "critic.fsdp.seed": train.seed,
    }
    if not train.gpus:
        settings |= _computed("critic.fsdp", places.policy)
    return settings | attention("critic.model", train)


def attention(prefix: str, train: Train) -> dict[str, Value]:
    """torch's own attention where FlashAttention is not installed (its wheels fit one CUDA and torch each).

    veRL asks for FlashAttention otherwise, and packs rows without padding, which needs it.
    """
    if train.gpus and find_spec("flash_attn"):
        return {}
    settings: dict[str, Value] = {
        f"{prefix}.use_remove_padding": False,
        f"+{prefix}.override_config.attn_implementation": "sdpa",
    }
    return settings if train.gpus else settings | {f"{prefix}.enable_gradient_checkpointing": False}


def helpers(train: Train) -> int:
    """Processes of each kind beside the workers (asking, rewarding, queueing): few where one card makes the rollouts."""
    return 8 if train.gpus * train.nodes > 1 else 4 if train.gpus else 1


def micro_batch(train: Train) -> int:
    """The largest size up to the recipe's that divides a device's share of the rollouts, as veRL demands."""
    share = train.rows_per_step // (max(1, train.gpus) * train.nodes)
    return max(size for size in range(1, min(share, train.micro_batch) + 1) if share % size == 0)


def _computed(prefix: str, policy: Path) -> dict[str, Value]:
    """Weights and sums in full precision; products in bf16 where the policy is saved so and the processor has it.

    Parameters in bf16 themselves would round the steps of reinforcement away.
    """
    products = "bf16" if precision(policy) == "bfloat16" else "fp32"
    return {
        f"{prefix}.use_torch_compile": False,
        f"+{prefix}.mixed_precision": Notation(
            f"{{param_dtype:{products},reduce_dtype:fp32,buffer_dtype:fp32}}"
        ),
    }
