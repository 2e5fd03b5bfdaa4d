"""The recipe for one GPU without a cluster: it fits the card, and every stage is a local process."""

from __future__ import annotations

from pathlib import Path

from verif.pipeline.planning.hardware import gpu_of
from verif.pipeline.planning.memory import disk, policy_memory
from verif.pipeline.planning.placement import placed
from verif.recipe import Lora, Train, load_recipe
from verif.training.command import job
from verif.training.environment import RunFiles


def test_the_policy_fits_one_card_of_24_gb(root: Path) -> None:
    recipe = load_recipe("one-gpu", root / "recipes")
    gpu = gpu_of(recipe, "train")
    assert gpu is not None
    assert gpu.memory_gb == 24
    (room,) = [e.value for e in policy_memory(recipe, gpu) if e.what.startswith("room on")]
    assert room is not None
    assert room > 2
    whole = recipe.model_copy(update={"train": recipe.train.model_copy(update={"rollout_share": 0.6})})
    (room,) = [e.value for e in policy_memory(whole, gpu) if e.what.startswith("room on")]
    assert room is not None
    assert room < 0  # why the recipe sets a share


def test_adapters_take_a_fraction_and_need_no_second_model_for_the_reference(root: Path) -> None:
    recipe = load_recipe("one-gpu", root / "recipes")
    low = recipe.model_copy(update={"train": recipe.train.model_copy(update={"lora": Lora(rank=32)})})
    whole, small = (
        {e.what: e.value for e in policy_memory(r, gpu_of(r, "train")) if e.value} for r in (recipe, low)
    )
    assert (
        small["adapter parameters A"]
        == 32 * 24 * (2 * (896 + 896) + 2 * (896 + 128) + 3 * (896 + 4864)) / 1e6
    )
    assert whole["weights (fp32)"] == small["weights (fp32)"]
    assert 20 * small["Adam moments (fp32)"] < whole["Adam moments (fp32)"]
    assert "reference policy (fp32)" in whole
    assert "reference policy (fp32)" not in small
    assert (
        whole["peak while training"] - small["peak while training"] > 7
    )  # 12 B of moments and gradients, 4 B of a model
    kept = [{e.what: e.value for e in disk(r)}["checkpoints"] for r in (recipe, low)]
    assert kept[0] > 2.5 * kept[1]


def test_every_stage_is_local(root: Path) -> None:
    assert {stage.executor for stage in placed(load_recipe("one-gpu", root / "recipes"))} == {"local"}


def test_the_share_reaches_the_engine() -> None:
    places = RunFiles(Path("/p"), Path("/t"), Path("/v"), Path("/r"), Path("/tmp/ray"))
    for train, share in ((Train(gpus=1), "0.6"), (Train(gpus=1, rollout_share=0.4), "0.4")):
        line = job(train, places, experiment="x", verifier_url="http://v").arguments
        assert f"actor_rollout_ref.rollout.gpu_memory_utilization={share}" in line
