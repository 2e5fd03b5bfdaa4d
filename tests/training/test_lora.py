"""LoRA: what veRL is told, and that the exported model is the start with the adapters' change in it."""

import json
from pathlib import Path

import pytest

from verif.errors import TrainingError
from verif.pipeline.planning.shapes import SHAPES
from verif.recipe import Lora, Train
from verif.training.export import LORA_META, merge

torch = pytest.importorskip("torch")


def checkpoint(folder: Path, rank: int = 2, alpha: int = 6) -> dict[str, "torch.Tensor"]:
    """As veRL writes one: `q` is wrapped, `norm` is not."""
    torch.manual_seed(0)
    state = {
        "base_model.model.model.q.base_layer.weight": torch.randn(5, 3),
        "base_model.model.model.q.base_layer.bias": torch.randn(5),
        "base_model.model.model.q.lora_A.default.weight": torch.randn(rank, 3),
        "base_model.model.model.q.lora_B.default.weight": torch.randn(5, rank),
        "base_model.model.model.norm.weight": torch.randn(3),
    }
    folder.mkdir()
    torch.save(state, folder / "model_world_size_1_rank_0.pt")
    (folder / LORA_META).write_text(json.dumps({"r": rank, "lora_alpha": alpha, "task_type": "CAUSAL_LM"}))
    return state


@pytest.mark.parametrize("other", [{"algorithm": "dpo"}, {"sync_every": 5}, {"overlap": True}])
def test_a_cycle_of_updates_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="lora: veRL may ask for a reference without adapters"):
        Train(lora=Lora(), **other)


def test_what_is_exported_has_the_change_in_it_and_names_of_plain_weights(tmp_path: Path) -> None:
    held = checkpoint(tmp_path / "actor", rank=2, alpha=6)
    plain = merge(tmp_path / "actor")
    assert list(plain) == ["model.q.weight", "model.q.bias", "model.norm.weight"]
    prefix = "base_model.model.model.q."
    change = held[f"{prefix}lora_B.default.weight"] @ held[f"{prefix}lora_A.default.weight"]
    torch.testing.assert_close(plain["model.q.weight"], held[f"{prefix}base_layer.weight"] + 3 * change)
    torch.testing.assert_close(plain["model.norm.weight"], held["base_model.model.model.norm.weight"])


@pytest.mark.parametrize(
    "said", ["", "{", "{}", '{"r": 0, "lora_alpha": 4}', "[]", '{"r": "a", "lora_alpha": 1}']
)
def test_a_checkpoint_that_does_not_say_how_much_adapters_count_is_refused(tmp_path: Path, said: str) -> None:
    checkpoint(tmp_path / "actor")
    (tmp_path / "actor" / LORA_META).write_text(said)
    with pytest.raises(TrainingError, match="does not say how much the adapters count"):
        merge(tmp_path / "actor")


@pytest.mark.parametrize("lost", ["base_layer", "lora_B.default"])
def test_an_adapter_of_no_layer_or_without_its_other_half_is_no_model(tmp_path: Path, lost: str) -> None:
    state = checkpoint(tmp_path / "actor")
    del state[f"base_model.model.model.q.{lost}.weight"]
    torch.save(state, tmp_path / "actor" / "model_world_size_1_rank_0.pt")
    with pytest.raises(
        TrainingError, match=r"without its layer or its other half: base_model.model.model.q.lora_A"
    ):
        merge(tmp_path / "actor")


def test_the_plans_count_of_adapters_is_pefts() -> None:
    peft = pytest.importorskip("peft")
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = SHAPES["HuggingFaceTB/SmolLM2-135M-Instruct"]
    with torch.device("meta"):
        config = LlamaConfig(
            num_hidden_layers=shape.layers, hidden_size=shape.hidden, num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads, intermediate_size=shape.ffn, vocab_size=shape.vocabulary,
            tie_word_embeddings=True,
        )  # fmt: skip
        asked = peft.LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
        model = peft.get_peft_model(LlamaForCausalLM(config), asked)
    assert model.get_nb_trainable_parameters()[0] == shape.adapters(16)
