import importlib.util
import json
from pathlib import Path

import pytest

from verif.errors import RecipeError
from verif.recipe import Lora, Train, load_recipe
from verif.system.weights import cache_bytes
from verif.training.buffers import rollout_tokens
from verif.training.command import _text, job
from verif.training.environment import RunFiles
from verif.training.preflight import train_checks
from verif.training.workers import micro_batch

PLACES = RunFiles(
    Path("/p/policy"), Path("/p/train.parquet"), Path("/p/val.parquet"), Path("/p/run"), Path("/tmp/r")
)


def overrides(train: Train, **extra: str) -> dict[str, str]:
    made = job(train, PLACES, experiment="local", verifier_url="http://127.0.0.1:1", **extra)
    assert made.arguments[:2] == ("-m", "verl.trainer.main_ppo")
    return dict(part.split("=", 1) for part in made.arguments[2:])


def test_grpo_on_cpu_trains_on_policy_with_our_trainer_and_reward() -> None:
    found = overrides(Train())
    assert found["algorithm.adv_estimator"] == "verif_grpo"
    assert found["trainer.v1.trainer_mode"] == "verif"
    assert found["reward.reward_manager.module.path"] == '"pkg://verif.training.verl.reward"'
    assert found["actor_rollout_ref.actor.ppo_mini_batch_size"] == found["data.train_batch_size"] == "16"
    assert found["actor_rollout_ref.actor.strategy"] == "fsdp2"
    assert found["actor_rollout_ref.rollout.name"] == "vllm"
    assert found["trainer.device"] == "cpu"
    assert "critic.model.path" not in found


def test_the_cpu_environment_names_the_platform_and_the_gpu_one_does_not() -> None:
    cpu = job(Train(), PLACES, experiment="x", verifier_url="http://v").environment
    gpu = job(Train(gpus=8), PLACES, experiment="x", verifier_url="http://v").environment
    assert (cpu["VERL_PLATFORM"], cpu["VERIF_DEVICE"]) == ("cpu", "cpu")
    assert not {"VERL_PLATFORM", "VERIF_DEVICE", "OMP_NUM_THREADS"} & set(gpu)
    assert gpu["VERL_USE_EXTERNAL_MODULES"] == "verif.training.verl.plugin"


def test_ppo_adds_a_critic_of_the_same_form() -> None:
    found = overrides(Train(algorithm="ppo", critic_learning_rate=2e-3))
    assert found["algorithm.adv_estimator"] == "gae"
    assert found["critic.strategy"] == "fsdp2"
    assert found["critic.model.path"] == "/p/policy"
    assert float(found["critic.optim.lr"]) == 2e-3


def test_gpus_nodes_and_tensor_parallel_reach_verl() -> None:
    found = overrides(Train(gpus=8, nodes=2, tensor_parallel=2, prompts_per_step=32, rollouts_per_prompt=16))
    assert (found["trainer.n_gpus_per_node"], found["trainer.nnodes"]) == ("8", "2")
    assert found["actor_rollout_ref.rollout.tensor_model_parallel_size"] == "2"
    assert found["trainer.device"] == "cuda"
    assert "actor_rollout_ref.rollout.enforce_eager" not in found
    # every node's processes need the variables, not only the driver's children
    assert found["+ray_kwargs.ray_init.runtime_env.env_vars.VERIF_VERIFIER_URL"] == '"http://127.0.0.1:1"'
    assert not any(key.endswith("num_gpus") for key in found)


def test_a_kl_coefficient_brings_the_reference_policy() -> None:
    assert overrides(Train())["actor_rollout_ref.actor.use_kl_loss"] == "false"
    found = overrides(Train(kl_coefficient=1e-3))
    assert found["actor_rollout_ref.actor.use_kl_loss"] == "true"
    assert found["actor_rollout_ref.ref.strategy"] == "fsdp2"


def test_verl_trains_adapters_and_sends_plain_weights() -> None:
    told = overrides(Train(lora=Lora(rank=8, alpha=16)))
    assert told["actor_rollout_ref.model.lora_rank"] == "8"
    assert told["actor_rollout_ref.model.lora_alpha"] == "16"
    assert told["actor_rollout_ref.model.lora.merge"] == "true"
    assert not [key for key in overrides(Train()) if "lora" in key]
    assert "lora" not in Train().model_dump()


def test_one_update_a_cycle_of_grpo_or_ppo_is_verls_own_loop() -> None:
    """Nothing of pairs and cycles is said: these runs are what they were."""
    for train in (Train(), Train(algorithm="ppo"), Train(gpus=8, nodes=2)):
        made = overrides(train)
        assert made["trainer.v1.sampler.custom_sampler.name"] == "Sampler"
        later = ("sampler_kwargs.every", "gen_batch_size", "override_optimizer_config", "clip_grad")
        assert not [key for key in made if key.endswith(later)]


def test_a_cycle_and_pairs_reach_the_sampler_and_one_update_is_made_of_all_pairs() -> None:
    every, dpo = "+trainer.v1.sampler.sampler_kwargs.", Train(algorithm="dpo", sync_every=10)
    made = overrides(dpo)
    assert made["trainer.v1.sampler.custom_sampler.name"] == "PlannedSampler"
    assert (made[f"{every}every"], made[f"{every}pairs"], made[f"{every}beta"]) == ("10", "random", "0.1")
    assert int(made["actor_rollout_ref.actor.ppo_mini_batch_size"]) * 8 == dpo.rows_per_step == 32
    assert made["data.gen_batch_size"] == "1"
    assert int(made["transfer_queue.backend.SimpleStorage.total_storage_size"]) >= 10 * 16 * 9 * 2
    grpo = overrides(Train(sync_every=10))
    assert f"{every}pairs" not in grpo
    assert grpo[f"{every}every"] == "10"
    ahead = overrides(Train(overlap=True))
    assert (ahead[f"{every}every"], ahead[f"{every}overlap"]) == ("1", "true"), (
        "one step off-policy, as asked"
    )


def test_a_generator_on_gpus_of_its_own_is_no_part_of_the_trainer() -> None:
    rollout = "actor_rollout_ref.rollout."
    apart = {"gpus": 6, "generator_gpus": 2, "nodes": 2, "overlap": True}
    made = overrides(Train(**apart, tensor_parallel=2, prompts_per_step=24))
    assert made["actor_rollout_ref.hybrid_engine"] == "false"
    assert (made["trainer.n_gpus_per_node"], made["trainer.nnodes"]) == ("6", "2")
    assert (made[f"{rollout}n_gpus_per_node"], made[f"{rollout}nnodes"]) == ("2", "2")
    assert made[f"{rollout}checkpoint_engine.backend"] == "verif"
    assert not {"actor_rollout_ref.hybrid_engine", f"{rollout}nnodes"} & set(overrides(Train(gpus=8)))


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (Train(generator_gpus=1), "generator_gpus without gpus"),
        (
            Train(gpus=4, generator_gpus=3, tensor_parallel=2),
            "does not divide the 3 GPUs of a node that generate",
        ),
        (Train(gpus=1, generator_gpus=1, rollout="transformers"), "one GPU at most"),
    ],
)
def test_a_generator_that_cannot_be_placed_is_one_line(train: Train, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        overrides(train)


def test_a_fixed_reference_is_loaded_and_its_term_weighs_nothing() -> None:
    synced = overrides(Train(algorithm="dpo"))
    fixed = overrides(Train.model_validate({"algorithm": "dpo", "dpo": {"reference": "start"}}))
    assert synced["actor_rollout_ref.actor.use_kl_loss"] == "false"
    assert fixed["actor_rollout_ref.actor.use_kl_loss"] == "true"
    assert float(fixed["actor_rollout_ref.actor.kl_loss_coef"]) == 0


def test_adams_epsilon_and_the_clip_reach_the_optimizer() -> None:
    made = overrides(Train(adam_eps=1e-4, clip_grad=0.1))
    assert made["actor_rollout_ref.actor.optim.override_optimizer_config"] == "{eps:0.0001}"
    assert float(made["actor_rollout_ref.actor.optim.clip_grad"]) == 0.1


def test_verl_never_speaks_to_mlflow_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down must not end the training: the stage tells it of each step."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@mlflow:5000")
    made = job(Train(gpus=8, nodes=2), PLACES, experiment="x", verifier_url="http://v")
    assert "trainer.logger=[]" in made.arguments
    assert not [argument for argument in made.arguments if "secret" in argument]
    assert not [name for name in made.environment if name.startswith("MLFLOW")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nodes": 2}, "need GPUs"),
        ({"tensor_parallel": 2}, "need GPUs"),
        ({"gpus": 8, "tensor_parallel": 3}, "does not divide"),
        ({"gpus": 8, "rollout": "transformers"}, "one GPU at most"),
        ({"gpus": 7}, "cannot be shared"),
        ({"gpus": 3, "algorithm": "dpo"}, "16 x 2 rollouts of a pair cannot be shared by 3"),
    ],
)
def test_combinations_that_cannot_run_are_refused_at_once(changes: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        job(Train.model_validate(changes), PLACES, experiment="x", verifier_url="http://v")


def test_a_gpu_without_flash_attention_computes_with_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """veRL would ask for FlashAttention, which veRL's own pins (locks/gpu.txt) do not install."""
    name, packed = "+actor_rollout_ref.model.override_config.attn_implementation", "use_remove_padding"
    monkeypatch.setattr("verif.training.workers.find_spec", lambda _: None)
    without = overrides(Train(gpus=1, algorithm="ppo"))
    assert (without[name], without[f"actor_rollout_ref.model.{packed}"]) == ("sdpa", "false")
    assert without["+critic.model.override_config.attn_implementation"] == "sdpa"
    assert not any("enable_gradient_checkpointing" in key for key in without)
    monkeypatch.setattr("verif.training.workers.find_spec", lambda name: name)
    assert not any("attn_implementation" in key or packed in key for key in overrides(Train(gpus=1)))


def test_one_gpu_has_few_helpers_and_may_roll_out_without_vllm() -> None:
    one = overrides(Train(gpus=1, rollout="transformers"))
    assert one["actor_rollout_ref.rollout.name"] == "verif_transformers"
    helpers = ("actor_rollout_ref.rollout.agent.num_workers", "reward.num_workers")
    assert {one[name] for name in helpers} == {"4"}
    assert {overrides(Train(gpus=8))[name] for name in helpers} == {"8"}
    # on CPU who asks for a rollout asks for its reward, too (patches/reward_here.py)
    assert [overrides(Train())[name] for name in helpers] == ["1", "0"]


def test_transformers_rollouts_are_loaded_as_an_external_library() -> None:
    found = overrides(Train(rollout="transformers"))
    assert found["actor_rollout_ref.rollout.name"] == "verif_transformers"
    assert found["actor_rollout_ref.model.external_lib"] == "verif.training.verl.transformers_rollout"


@pytest.mark.slow
def test_every_shipped_recipe_gives_a_command() -> None:
    for path in (Path(__file__).parents[2] / "recipes").glob("*.yaml"):
        train = load_recipe(path.stem, path.parent).train
        assert overrides(train)["trainer.total_training_steps"] == str(train.steps)


def test_the_cache_of_a_tiny_model_is_small(tmp_path: Path) -> None:
    assert cache_bytes(tmp_path, 1) == 1 << 30  # no model yet
    shape = {"num_attention_heads": 2, "hidden_size": 64, "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    assert cache_bytes(tmp_path, 1) == 64 << 20
    assert cache_bytes(tmp_path, 100_000) == 2 * 2 * 2 * 32 * 4 * 100_000
    assert rollout_tokens(Train(prompt_tokens=120, response_tokens=9), real=False) == 48 * 256


HARD = [
    "1", "1.5", "1e5", "true", "False", "null", "NaN", "inf", "", " x", "a b", "lo", "0x10", "on", "~", "é", "a\nb",
    "[1]", "{a: 1}", "a=b,c", "it's", 'a"b', "a\\b", 'a\\"b', "a\\", "a\\\\", "${x}", "\\${x}", "a\\\\${x}", "$HOME", "pkg://x",
    "sqlite:////a/b c.db", "http://[::1]:5000", "#", "%2F", "(x)", "?",
]  # fmt: skip


@pytest.mark.parametrize("value", HARD)
def test_text_comes_back_from_hydra_as_it_was(value: str) -> None:
    parser = pytest.importorskip("hydra.core.override_parser.overrides_parser").OverridesParser.create()
    OmegaConf = pytest.importorskip("omegaconf").OmegaConf
    read = parser.parse_override(f"key={_text(value)}").value()
    assert OmegaConf.create({"key": read, "x": "looked up"}).key == value


def recipes() -> list[str]:
    folder = Path(__file__).parents[2] / "recipes"
    return [path.stem for path in sorted(folder.glob("*.yaml")) if path.stem != "ablation"]


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [0, 2], ids=["as it is", "over two nodes"])
@pytest.mark.parametrize("name", recipes())
def test_ray_gets_the_variables_of_every_recipe_as_text(name: str, nodes: int) -> None:
    """As veRL's `main_ppo` passes them on; Ray refuses a whole environment for one number in it."""
    hydra, verl = pytest.importorskip("hydra"), importlib.util.find_spec("verl")
    if verl is None or verl.origin is None:
        pytest.skip("verl is not installed")
    from omegaconf import OmegaConf
    from ray.runtime_env import RuntimeEnv

    train = load_recipe(name, Path(__file__).parents[2] / "recipes").train
    if nodes:
        train = train.model_copy(update={"nodes": nodes, "gpus": train.gpus or 4, "rollout": "vllm"})
    made = job(
        train, PLACES, experiment="1", verifier_url="http://v:1", verifier_identity="12345678",
    )  # fmt: skip
    overrides = [a for a in made.arguments[2:] if not a.startswith("hydra.")]
    with hydra.initialize_config_dir(str(Path(verl.origin).parent / "trainer" / "config"), version_base=None):
        config = hydra.compose("ppo_trainer", overrides=overrides)
    assert config.trainer.experiment_name == "1"
    wanted = OmegaConf.to_container(config.ray_kwargs.ray_init.runtime_env, resolve=True)
    assert isinstance(wanted, dict)
    given = {key: value for key, value in wanted.items() if value is not None}
    checked = RuntimeEnv(**given).get("env_vars", {})
    assert checked == (made.environment if train.nodes > 1 else {})


@pytest.mark.parametrize("train", [Train(), Train(gpus=8)], ids=["CPU", "one node of GPUs"])
def test_on_one_machine_ray_wants_the_runs_token_and_stays_on_loopback(train: Train) -> None:
    found = job(train, PLACES, experiment="x", verifier_url="http://v").environment
    assert (found["RAY_AUTH_MODE"], found["RAY_AUTH_TOKEN_PATH"]) == ("token", "/p/run/ray-token")
    assert (found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"], found["VERIF_LOOPBACK"]) == ("0", "1")


def test_over_several_nodes_ray_must_ask_for_a_token_that_the_cluster_holds() -> None:
    found = job(Train(gpus=8, nodes=2), PLACES, experiment="x", verifier_url="http://v").environment
    assert not [name for name in found if name.startswith("RAY_AUTH")]
    recipe = load_recipe("local", Path(__file__).parents[2] / "recipes")
    several = recipe.model_copy(update={"train": recipe.train.model_copy(update={"nodes": 2})})
    for environment in ({"RAY_AUTH_MODE": "disabled"}, {}):
        (check,) = train_checks(several, environment)
        assert (check.ok, check.detail) == (False, "Ray's cluster asks for no token (RAY_AUTH_MODE)")
    assert train_checks(several, {"RAY_AUTH_MODE": "token"})[0].ok
    assert train_checks(recipe, {}) == []


@pytest.mark.slow
def test_verl_accepts_every_override() -> None:
    hydra = pytest.importorskip("hydra")
    verl = pytest.importorskip("importlib.util").find_spec("verl")
    if verl is None:
        pytest.skip("verl is not installed")
    folder = str(Path(verl.origin).parent / "trainer" / "config")
    for train in (Train(), Train(algorithm="ppo", kl_coefficient=0.1), Train(gpus=8, nodes=2)):
        arguments = job(train, PLACES, experiment="x", verifier_url="http://v:1/a").arguments[2:]
        with hydra.initialize_config_dir(folder, version_base=None):
            config = hydra.compose(
                "ppo_trainer", overrides=[a for a in arguments if not a.startswith("hydra.")]
            )
        assert config.trainer.v1.sampler.sampler_kwargs.rollouts == 8
        assert config.reward.reward_manager.module.path == "pkg://verif.training.verl.reward"


def test_micro_batches_divide_a_devices_share() -> None:
    assert micro_batch(Train()) == 64
    assert micro_batch(Train(prompts_per_step=8, rollouts_per_prompt=4)) == 32
    assert micro_batch(Train(prompts_per_step=3, rollouts_per_prompt=30)) == 45
    assert micro_batch(Train(gpus=8, prompts_per_step=32, rollouts_per_prompt=16, micro_batch=2)) == 2
