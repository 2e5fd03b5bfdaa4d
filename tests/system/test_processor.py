"""In what and with how many threads a model is computed on CPU: by the model, and by what the processor says of itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from verif.recipe import Train
from verif.system import processor, serving
from verif.training.command import job
from verif.training.environment import RunFiles

INTEL = "processor\t: 0\nflags\t\t: fpu sse2 avx512f avx512_bf16 amx_bf16 amx_tile\n"
OLD = "processor\t: 0\nflags\t\t: fpu sse2 avx2\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A folder as large as SmolLM2, by its header alone, saved in bf16."""
    header = json.dumps({"embed": {"dtype": "BF16", "shape": [49152, 576], "data_offsets": [0, 0]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (tmp_path / "config.json").write_text(json.dumps({"dtype": "bfloat16"}))
    return tmp_path


def overrides(policy: Path, train: Train) -> dict[str, str]:
    places = RunFiles(policy, Path("/t"), Path("/v"), Path("/r"), Path("/tmp/ray"))
    made = job(train, places, experiment="x", verifier_url="http://v")
    return {**dict(part.split("=", 1) for part in made.arguments[2:]), **made.environment}


@pytest.mark.parametrize(("said", "fast"), [(INTEL, True), (OLD, False), (ARM, False), ("", False)])
def test_bf16_is_what_the_processor_says(tmp_path: Path, said: str, fast: bool) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(said)
    assert processor.computes_bf16(path) is fast
    assert processor.computes_bf16(tmp_path / "none") is False


def test_a_real_model_trains_and_answers_in_bf16_where_that_is_fast(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fast, rollouts, products in ((True, "bfloat16", "bf16"), (False, "float32", "fp32")):
        monkeypatch.setattr(processor, "computes_bf16", lambda fast=fast: fast)
        said = overrides(policy, Train())
        assert said["actor_rollout_ref.rollout.dtype"] == rollouts
        mixed = said["+actor_rollout_ref.actor.fsdp_config.mixed_precision"]
        assert f"param_dtype:{products}" in mixed
        assert "reduce_dtype:fp32" in mixed
        line = serving.command(policy, port=1, gpus=0, context=64, name="m")
        assert line[line.index("--dtype") + 1] == rollouts


def test_a_model_saved_in_fp32_stays_so_on_any_processor(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "computes_bf16", lambda: True)
    (policy / "config.json").write_text(json.dumps({"dtype": "float32"}))
    assert overrides(policy, Train())["actor_rollout_ref.rollout.dtype"] == "float32"


def test_a_real_model_gets_the_cores_and_a_tiny_one_a_thread(policy: Path, tmp_path: Path) -> None:
    cores = str(len(os.sched_getaffinity(0)))
    large, tiny = overrides(policy, Train()), overrides(tmp_path / "none", Train())
    assert (large["OMP_NUM_THREADS"], tiny["OMP_NUM_THREADS"]) == (cores, "1")
    assert large["actor_rollout_ref.rollout.max_num_seqs"] == "128"  # all 16 x 8 at once
    assert tiny["actor_rollout_ref.rollout.max_num_seqs"] == "48"
    assert large["RAY_worker_niceness"] == "0"


def test_one_forward_and_token_micro_batches_are_asked_of_verl_only_where_the_recipe_does(
    policy: Path,
) -> None:
    plain = overrides(policy, Train())
    assert "actor_rollout_ref.actor.policy_loss.loss_mode" not in plain
    assert "VERIF_ONE_FORWARD" not in plain
    asked = overrides(policy, Train(one_forward=True, micro_batch_tokens=2048))
    assert asked["actor_rollout_ref.actor.policy_loss.loss_mode"] == "verif_on_policy"
    assert asked["VERIF_ONE_FORWARD"] == "1"
    assert asked["actor_rollout_ref.actor.use_dynamic_bsz"] == "true"
    assert asked["actor_rollout_ref.actor.ppo_max_token_len_per_gpu"] == "2048"
    assert "one_forward" not in Train().model_dump()  # runs of other recipes keep their names
