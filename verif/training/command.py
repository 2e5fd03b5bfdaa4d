"""From a recipe to veRL's command line. Nothing is started or imported here; of files only the policy's shape is
read, and of this process which plugins it has.

`python -m verl.trainer.main_ppo` with Hydra overrides, and the environment it needs. Each section below is
one decision; what is equal to veRL's default is left out unless a run depends on it. `gpus` of the recipe are
per node, as in the job manifests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from verif.errors import RecipeError
from verif.recipe import Train
from verif.system import plugins
from verif.system.processor import precision, real, value_bytes
from verif.system.weights import cache_bytes
from verif.training.buffers import bucket_mb, rollout_tokens, sequences
from verif.training.environment import Notation, RunFiles, Value, ray, variables
from verif.training.workers import actor, attention, critic, helpers, micro_batch

KEPT, KEPT_WATCHED = 2, 4
"""Checkpoints on disk at most: the last two; or the last, the best, the one before a suspicion, and one being written."""
_WORD = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)
"""Text that Hydra can only read as text (but for its own words)."""


@dataclass(frozen=True)
class CommandLine:
    """A command line (after the interpreter) and the variables it needs beyond the caller's environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def job(
    train: Train,
    places: RunFiles,
    *,
    experiment: str,
    verifier_url: str,
    verifier_identity: str = "",
    kept: int | None = KEPT,
) -> CommandLine:
    """veRL's command for a recipe's `train` section; it keeps so many checkpoints, or all where others remove them."""
    check(train)
    environment = plugins.variables() | variables(train, places, verifier_url, verifier_identity)
    settings: dict[str, Value] = {
        **algorithm(train),
        **data(train, places),
        **model(train, places),
        **actor(train, places),
        **(critic(train, places) if train.algorithm == "ppo" else {}),
        **rollout(train, places),
        **reward(train),
        **trainer(train, places, experiment, kept),
        **ray(train, places, environment),
    }
    arguments = ["-m", "verl.trainer.main_ppo", *(f"{key}={_text(value)}" for key, value in settings.items())]
    return CommandLine(tuple(arguments), environment)


def check(train: Train) -> None:
    """`RecipeError` for combinations that veRL would only refuse minutes later."""
    if train.gpus == 0 and (train.nodes > 1 or train.tensor_parallel > 1):
        raise RecipeError("train: nodes and tensor_parallel need GPUs.", "Set train.gpus, or both to 1.")
    if train.gpus == 0 and train.generator_gpus:
        raise RecipeError(
            "train: generator_gpus without gpus.",
            "On CPU the generator is a process of its own as it is; with GPUs, say how many train.",
        )
    generating = train.generator_gpus or train.gpus
    if generating % train.tensor_parallel:
        raise RecipeError(
            f"train: tensor_parallel {train.tensor_parallel} does not divide the {generating} GPUs of a node that"
            " generate.",
            "Choose a divisor.",
        )
    if (train.gpus * train.nodes > 1 or train.generator_gpus) and train.rollout == "transformers":
        raise RecipeError("train: rollout transformers is for one GPU at most.", "Use rollout: vllm.")
    devices = max(1, train.gpus) * train.nodes
    if train.rows_per_step % devices:
        each = "2 rollouts of a pair" if train.algorithm == "dpo" else f"{train.rollouts_per_prompt} rollouts"
        raise RecipeError(
            f"train: {train.prompts_per_step} x {each} cannot be shared by {devices} devices.",
            "Change prompts_per_step or rollouts_per_prompt.",
        )


def algorithm(train: Train) -> dict[str, Value]:
    """GRPO with verif's estimator, or PPO with veRL's GAE (see `advantage.py`); DPO's trainer asks for neither."""
    name = "gae" if train.algorithm == "ppo" else "verif_grpo"
    return {"algorithm.adv_estimator": name, "algorithm.use_kl_in_reward": False}


def data(train: Train, places: RunFiles) -> dict[str, Value]:
    """A prompt over the limit is an error here: `prepare` drops them with a reason, nobody truncates."""
    settings: dict[str, Value] = {
        "data.train_files": str(places.train),
        "data.val_files": str(places.validation),
        "data.train_batch_size": train.prompts_per_step,
        "data.max_prompt_length": train.prompt_tokens,
        "data.max_response_length": train.response_tokens,
        "data.truncation": "error",
        "data.filter_overlong_prompts": False,
        "data.dataloader_num_workers": 0,  # the sampler's state is saved exactly; rows are small
        # Both questions of a pair stand side by side; rows drawn by pass rate stand in their order.
        "data.shuffle": train.judgements is None and train.draw == "uniform",
        "data.seed": train.seed,
    }
    if train.algorithm == "dpo" or train.refill:
        settings["data.gen_batch_size"] = 1  # any number of prompts is replaced
    return settings


def model(train: Train, places: RunFiles) -> dict[str, Value]:
    """The starting policy, and adapters if only these are trained."""
    settings: dict[str, Value] = {"actor_rollout_ref.model.path": str(places.policy)}
    settings |= attention("actor_rollout_ref.model", train)
    if train.lora:
        # Merged before they are sent: rollouts are drawn from plain weights, by any engine. A critic is trained whole.
        settings |= {
            "actor_rollout_ref.model.lora_rank": train.lora.rank,
            "actor_rollout_ref.model.lora_alpha": train.lora.alpha,
            "actor_rollout_ref.model.lora.merge": True,
        }
    if train.rollout == "transformers":
        settings["actor_rollout_ref.model.external_lib"] = "verif.training.verl.transformers_rollout"
    return settings


def rollout(train: Train, places: RunFiles) -> dict[str, Value]:
    """The rollout engine; weights go to it after each step."""
    prefix = "actor_rollout_ref.rollout"
    total = train.prompt_tokens + train.response_tokens
    settings: dict[str, Value] = {
        f"{prefix}.name": "verif_transformers" if train.rollout == "transformers" else "vllm",
        f"{prefix}.n": train.rollouts_per_prompt,
        f"{prefix}.temperature": train.temperature,
        f"{prefix}.seed": train.seed,
        f"{prefix}.tensor_model_parallel_size": train.tensor_parallel,
        f"{prefix}.max_model_len": total,
        f"{prefix}.log_prob_micro_batch_size_per_gpu": micro_batch(train),
    }
    if train.gpus:
        return (
            apart(train)
            | settings
            | {
                f"{prefix}.gpu_memory_utilization": train.rollout_share,
                f"{prefix}.agent.num_workers": helpers(train),
                f"{prefix}.max_num_batched_tokens": max(8192, total),
            }
        )
    return settings | {
        f"{prefix}.dtype": precision(places.policy),
        f"{prefix}.enforce_eager": True,
        f"{prefix}.free_cache_engine": False,
        f"+{prefix}.enable_sleep_mode": False,
        f"{prefix}.max_num_seqs": sequences(train, real=real(places.policy)),
        f"{prefix}.max_num_batched_tokens": max(2048, total),
        f"{prefix}.agent.num_workers": 1,
        f"{prefix}.checkpoint_engine.update_weights_bucket_megabytes": bucket_mb(places.policy),
        f"+{prefix}.engine_kwargs.vllm.kv_cache_memory_bytes": cache_bytes(
            places.policy,
            rollout_tokens(train, real=real(places.policy)),
            value_bytes(places.policy),
        ),
        # No worker process beside the engine's: 0.5 GB less, and half the delay of a token.
        f"+{prefix}.engine_kwargs.vllm.distributed_executor_backend": "uni",
        f"+{prefix}.engine_kwargs.vllm.worker_extension_cls": "verif.training.verl.vllm_extension.CPUWorkerExtension",
    }


def apart(train: Train) -> dict[str, Value]:
    """A generator on GPUs of its own (`generator.py`), to which the weights are broadcast (`weights.py`)."""
    if not train.generator_gpus:
        return {}
    prefix = "actor_rollout_ref.rollout"
    return {
        "actor_rollout_ref.hybrid_engine": False,
        f"{prefix}.nnodes": train.nodes,
        f"{prefix}.n_gpus_per_node": train.generator_gpus,
        f"{prefix}.checkpoint_engine.backend": "verif",
        f"{prefix}.checkpoint_engine.custom_backend_module": "verif.training.verl.weights",
    }


def reward(train: Train) -> dict[str, Value]:
    """Each rollout's reward is asked for as soon as it is generated (`reward.py`), on CPU by who generates it."""
    return {
        "reward.num_workers": helpers(train) if train.gpus else 0,  # see `patches/reward_here.py`
        "reward.reward_manager.source": "importlib",
        "reward.reward_manager.name": "VerifRewardManager",
        "reward.reward_manager.module.path": "pkg://verif.training.verl.reward",
    }


def trainer(train: Train, places: RunFiles, experiment: str, kept: int | None = KEPT) -> dict[str, Value]:
    """veRL's loop, our trainer and sampler, checkpoints in the run's folder."""
    return {
        "trainer.v1.trainer_mode": "verif",
        **sampler(train),
        "trainer.device": "cuda" if train.gpus else "cpu",
        "trainer.n_gpus_per_node": max(1, train.gpus),
        "trainer.nnodes": train.nodes,
        # The stage tells MLflow of each step (`verif.training.telling`): veRL would end with a server that is down.
        "trainer.logger": Notation("[]"),
        "trainer.project_name": "verif",
        "trainer.experiment_name": experiment,
        "trainer.total_training_steps": train.steps,
        "trainer.total_epochs": 1_000_000,  # steps decide; epochs only must not end first
        "trainer.save_freq": train.save_every,
        "trainer.max_actor_ckpt_to_keep": kept,
        "trainer.max_critic_ckpt_to_keep": kept,
        "trainer.test_freq": train.validate_every,
        "trainer.val_before_train": True,
        "trainer.resume_mode": "auto",
        "trainer.default_local_dir": str(places.run / "checkpoints"),
        "hydra.run.dir": str(places.run),
        "hydra.output_subdir": None,
        "transfer_queue.backend.SimpleStorage.num_data_storage_units": helpers(train),
        "transfer_queue.backend.SimpleStorage.total_storage_size": max(
            100_000 if train.gpus else 10_000, queued(train)
        ),
    } | cycles(train)


def sampler(train: Train) -> dict[str, Value]:
    """Our sampler, or the one that rewards and groups by pair, or the one that replaces groups without contrast."""
    prefix = "trainer.v1.sampler"
    options: dict[str, Value] = {
        "rollouts": train.rollouts_per_prompt, "max_error_share": train.max_error_share
    }  # fmt: skip
    module, name = "sampler", "Sampler"
    if train.judgements:
        options |= train.judgements.model_dump()
        module, name = "pair_sampler", "PairSampler"
    if train.refill:
        options["refill"] = train.refill
        module, name = "refill", "RefillSampler"
    return {
        f"{prefix}.custom_sampler.path": f"pkg://verif.training.verl.{module}",
        f"{prefix}.custom_sampler.name": name,
        **{f"+{prefix}.sampler_kwargs.{key}": value for key, value in options.items()},
    }


def cycles(train: Train) -> dict[str, Value]:
    """What `cycles.py` and `planned.py` need to know; GRPO and PPO with a sync after each update are veRL's own."""
    if train.algorithm != "dpo" and train.on_policy:
        return {}
    settings: dict[str, Value] = {"every": train.cycle, "overlap": train.overlap, "seed": train.seed}
    if train.algorithm == "dpo":
        dpo = train.dpo
        settings |= {"pairs": dpo.pairs, "beta": dpo.beta, "reference": dpo.reference}
    return {
        "trainer.v1.sampler.custom_sampler.path": "pkg://verif.training.verl.planned",
        "trainer.v1.sampler.custom_sampler.name": "PlannedSampler",
    } | {f"+trainer.v1.sampler.sampler_kwargs.{name}": value for name, value in settings.items()}


def queued(train: Train) -> int:
    """Rows that stand in the queue at once at most: two cycles of prompts with their rollouts, all of them replaced."""
    return 4 * train.cycle * train.prompts_per_step * (train.rollouts_per_prompt + 1)


def _text(value: Value) -> str:
    """A value as Hydra reads it back: text stays text, also where it looks like a number, a list or `${...}`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or isinstance(value, Notation):
        return str(value)
    if _WORD.fullmatch(value) and value.lower() not in ("true", "false", "null", "nan", "inf", "infinity"):
        return value
    value = re.sub(r"(\\*)\$\{", lambda m: f"{m[1] * 2}\\${{", value)  # OmegaConf would look the name up
    # A backslash means something to Hydra only before a quote, and the closing quote is one.
    value = re.sub(r'(\\*)(?="|\Z)', lambda m: m[1] * 2, value)
    return '"' + value.replace('"', '\\"') + '"'
