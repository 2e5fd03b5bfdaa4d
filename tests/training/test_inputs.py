"""What is wrong before training is said before training; what comes out loads again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from verif.core.instruction_files import write_instructions
from verif.errors import InputError, ServiceError, TrainingError
from verif.types import Instruction

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a tokenizer that reads letters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("policy")
    letters = {c: i for i, c in enumerate("<>|abcdefghijklmnopqrstuvwxyz ")}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[], unk_token="|"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=">", pad_token="<")
    made.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    made.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    model = transformers.LlamaForCausalLM(config)
    model.generation_config.max_new_tokens = 77
    model.save_pretrained(folder)
    return folder


def rows(path: Path, *prompts: str) -> Path:
    items = [Instruction(id=str(n), prompt=prompt) for n, prompt in enumerate(prompts)]
    write_instructions(path, items, source="test", split="train")
    return path


def test_a_prompt_over_the_limit_names_file_row_and_field(policy: Path, tmp_path: Path) -> None:
    from verif.training.preflight import check_prompts

    path = rows(tmp_path / "train.parquet", "short", "a much longer prompt")
    assert check_prompts(path, policy, 20) == 2
    with pytest.raises(
        InputError, match=r"train.parquet, row 2, field 'prompt': 20 tokens, more than .*\(19\)"
    ):
        check_prompts(path, policy, 19)


def test_a_chat_template_without_system_messages_is_said_before_training(
    policy: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    from verif.training.preflight import check_prompts

    tokenizer = AutoTokenizer.from_pretrained(policy, trust_remote_code=False)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}{{ m['content'] }}{% endfor %}"
    )
    tokenizer.save_pretrained(tmp_path / "strict")
    items = [Instruction(id="0", prompt="short"), Instruction(id="1", prompt="short", system="be calm")]
    write_instructions(tmp_path / "train.parquet", items, source="test", split="train")
    with pytest.raises(InputError, match=r"row 2, field 'prompt': .*System role not supported.*user's"):
        check_prompts(tmp_path / "train.parquet", tmp_path / "strict", 20)


def test_a_missing_or_corrupt_file_is_named(policy: Path, tmp_path: Path) -> None:
    from verif.training.preflight import check_prompts

    with pytest.raises(InputError, match="dvc repro prepare"):
        check_prompts(tmp_path / "none.parquet", policy, 10)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputError, match="cannot read parquet"):
        check_prompts(tmp_path / "torn.parquet", policy, 10)


def stage(policy: Path, root: Path) -> Any:
    from verif.project import Stage
    from verif.recipe import parse_recipe

    raw = {
        "name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "none"},
        "train": {"prompts_per_step": 2, "rollouts_per_prompt": 2, "prompt_tokens": 30},
    }  # fmt: skip
    shutil.copytree(policy, root / "models" / "policy")
    for name in ("train", "validation"):
        rows(root / "data" / f"{name}.parquet", "one", "two")
    return Stage(root, parse_recipe(raw, "t"), root)


def test_a_policy_without_tokenizer_and_too_few_rows_are_refused(policy: Path, tmp_path: Path) -> None:
    from verif.training.preflight import check

    made = stage(policy, tmp_path)
    check(made)
    rows(tmp_path / "data" / "train.parquet", "one")
    with pytest.raises(InputError, match=r"fewer than train\.prompts_per_step"):
        check(made)
    (tmp_path / "models" / "policy" / "tokenizer.json").unlink()
    with pytest.raises(ServiceError, match="no tokenizer"):
        check(made)


def shards(policy: Path, folder: Path, change: float, world: int = 1) -> dict[str, Any]:
    """A checkpoint as veRL writes it: the policy's weights plus a little."""
    model = transformers.AutoModelForCausalLM.from_pretrained(policy)
    state = {name: tensor + change for name, tensor in model.state_dict().items()}
    (folder / "actor").mkdir(parents=True)
    torch.save(state, folder / "actor" / f"model_world_size_{world}_rank_0.pt")
    return state


def test_the_export_is_the_trained_model_with_the_policys_other_files(policy: Path, tmp_path: Path) -> None:
    from verif.training.export import export

    state = shards(policy, tmp_path / "checkpoint", 0.5)
    export(tmp_path / "checkpoint", policy, tmp_path / "trained")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "trained", dtype="auto")
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())
    assert again.dtype == torch.float32
    assert again.generation_config.max_new_tokens == 77
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / "trained" / name).read_bytes() == (policy / name).read_bytes()


def test_a_checkpoint_that_lacks_a_shard_or_fits_no_model_leaves_no_export(
    policy: Path, tmp_path: Path
) -> None:
    from verif.training.export import export

    shards(policy, tmp_path / "half", 0.0, world=2)
    with pytest.raises(TrainingError, match="every shard"):
        export(tmp_path / "half", policy, tmp_path / "trained")
    (tmp_path / "other" / "actor").mkdir(parents=True)
    torch.save({"x": torch.zeros(1)}, tmp_path / "other" / "actor" / "model_world_size_1_rank_0.pt")
    with pytest.raises(TrainingError, match="does not fit"):
        export(tmp_path / "other", policy, tmp_path / "trained")
    assert not (tmp_path / "trained").exists()


def test_shards_are_joined_where_they_were_cut() -> None:
    from types import SimpleNamespace

    from torch.distributed.tensor import Replicate, Shard

    from verif.training.export import join

    whole = torch.arange(12.0).reshape(4, 3)
    for placement, parts in (
        (Shard(0), whole.split(2)),
        (Shard(1), whole.split([2, 1], 1)),
        (Replicate(), [whole] * 2),
    ):
        made = [SimpleNamespace(placements=(placement,), _local_tensor=part) for part in parts]
        assert torch.equal(join(made), whole)


async def test_a_verifier_that_does_not_answer_is_an_error_and_never_an_exception(policy: Path) -> None:
    pytest.importorskip("verl")
    from types import SimpleNamespace

    import numpy as np
    from verl import DataProto

    from verif.training.verl import reward
    from verif.training.verl.record import FIELD, RolloutRecord
    from verif.types import SoftConstraint

    config = SimpleNamespace(actor_rollout_ref=SimpleNamespace(rollout=SimpleNamespace(response_length=4)))
    tokenizer = transformers.AutoTokenizer.from_pretrained(policy)
    instruction = Instruction(id="1", prompt="x", constraints=(SoftConstraint(text="Be kind."),))

    def row(ids: list[int], truth: str) -> Any:
        """What veRL hands over: a rollout's outputs, of which the last counts."""
        first = [5] * len(ids)
        tensors = {"responses": torch.tensor([first, ids]), "attention_mask": torch.ones(2, len(ids) + 3)}
        return DataProto.from_dict(tensors, {"reward_model": np.array([{"ground_truth": truth}] * 2)})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(reward.URL, "http://127.0.0.1:9")
        patch.setenv(reward.PATIENCE, "0.3")
        manager = reward.VerifRewardManager(config, tokenizer, None)
        for truth in (instruction.model_dump_json(), "{not an instruction"):
            answer = await manager.run_single(row([3, 4, 5, 6], truth))
            record = RolloutRecord.model_validate_json(answer["reward_extra_info"][FIELD])
            assert (answer["reward_score"], record.state, record.reward) == (0.0, "error", None)
            assert record.reason
            assert (record.text, record.finished) == ("abcd", False)  # its budget is full and nothing ends it
        whole = await manager.run_single(row([3, 4, 1], instruction.model_dump_json()))
        assert RolloutRecord.model_validate_json(whole["reward_extra_info"][FIELD]).finished
        if manager.client is not None:
            await manager.client.close()
