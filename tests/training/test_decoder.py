"""Answers over a fixed cache are those of transformers' own generate, row by row, whatever else is in the batch."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from verif.errors import SetupError
from verif.training.verl.decoder import GraphDecoder, Law, check, draw, row_bytes

GREEDY = Law(0.0, 1.0, -1, 20)
PAD, END = 0, 1


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=24, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, pad_token_id=PAD, eos_token_id=END, bos_token_id=2,
    )  # fmt: skip
    made = LlamaForCausalLM(config).eval()
    for parameter in made.parameters():  # far from uniform, so that greedy answers differ between prompts
        parameter.data *= 6
    return made


def generated(model: LlamaForCausalLM, prompt: list[int]) -> list[int]:
    made = model.generate(
        input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False, max_new_tokens=20, eos_token_id=END, pad_token_id=PAD,
    )  # fmt: skip
    row: list[int] = made[0, len(prompt) :].tolist()
    return row


def test_greedy_answers_are_those_of_generate(model: LlamaForCausalLM) -> None:
    prompts = [[3, 4, 5], [6] * 11, [7, 8], [9, 10, 11, 12, 13]]
    answers = GraphDecoder(model, PAD, END).answer(prompts, GREEDY)
    assert [tokens for tokens, _ in answers] == [generated(model, prompt) for prompt in prompts]
    assert len({tuple(tokens) for tokens, _ in answers}) == 4


def test_log_probabilities_are_those_of_one_forward_over_the_whole_text(model: LlamaForCausalLM) -> None:
    torch.manual_seed(5)
    prompt = [3, 9, 4]
    [(tokens, logs)] = GraphDecoder(model, PAD, END).answer([prompt], Law(0.7, 1.0, -1, 20))
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
    expected = torch.log_softmax(logits / 0.7, -1).gather(1, torch.tensor(tokens)[:, None])[:, 0]
    assert torch.allclose(torch.tensor(logs), expected, atol=1e-4)


def test_a_batch_is_used_again_for_other_prompts_and_new_weights(model: LlamaForCausalLM) -> None:
    decoder = GraphDecoder(model, PAD, END)
    first = decoder.answer([[3, 4, 5]], GREEDY)
    decoder.answer([[9] * 30], GREEDY)
    assert decoder.answer([[3, 4, 5]], GREEDY) == first
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        model.load_state_dict({name: tensor.flip(0) for name, tensor in kept.items()})
        assert [tokens for tokens, _ in decoder.answer([[3, 4, 5]], GREEDY)] == [generated(model, [3, 4, 5])]
    finally:
        model.load_state_dict(kept)


def test_top_k_and_top_p_leave_the_rest_out() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(400, 1)
    torch.manual_seed(0)
    assert set(draw(logits, Law(1.0, 1.0, 2, 1))[0].tolist()) == {0, 1}
    assert set(draw(logits, Law(1.0, 0.9, -1, 1))[0].tolist()) == {0, 1, 2}
    token, log = draw(logits, Law(1.0, 1.0, -1, 1))
    assert set(token.tolist()) == {0, 1, 2, 3}
    assert torch.allclose(log, logits.gather(1, token[:, None])[:, 0])


def test_a_model_with_sliding_windows_is_refused_by_name() -> None:
    config = LlamaConfig(num_hidden_layers=2)
    config.layer_types = ["full_attention", "sliding_attention"]
    with pytest.raises(SetupError, match=r"type llama .*sliding_attention"):
        check(config)


def test_a_row_of_smollm2_takes_nine_megabytes_at_384_slots() -> None:
    config = LlamaConfig(
        hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, vocab_size=8
    )
    assert row_bytes(config, 384, 2) == 2 * 30 * 3 * 64 * 384 * 2
