"""Tiny models from scratch: what is saved is what was trained, the same seed gives the same bytes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from verif.data.splits import PolicyPair
from verif.data.world import plain_text
from verif.data.world.prepare import judge_pairs, policy_pairs
from verif.errors import InputError, TrainingError
from verif.recipe import ScratchModel
from verif.system.files import digest_tree

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from verif.training.tiny import tokenizer as tok  # noqa: E402
from verif.training.tiny.batching import BROKEN, Text, batches, encode  # noqa: E402
from verif.training.tiny.inference import load, sample, text_likelihood  # noqa: E402
from verif.training.tiny.judge_sft import FAIL, PASS, examples  # noqa: E402
from verif.training.tiny.pretrain import both_losses, continue_training, from_scratch, response_loss  # noqa: E402

SMALL = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=700, steps=60, batch=8)
TEXTS = [plain_text(random.Random(seed)) for seed in range(20)]


def _pairs(pairs: list[PolicyPair]) -> list[tuple[str, str]]:
    return [(p.prompt, p.response) for p in pairs]


@pytest.fixture(scope="module")
def corpus() -> list[tuple[str, str]]:
    return _pairs(policy_pairs(400, random.Random(1)))


@pytest.fixture(scope="module")
def policy(corpus: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    trained = from_scratch(SMALL, corpus, folder, "policy")
    assert trained.steps == 60
    assert trained.validation_loss < 6.0
    return folder


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(
    corpus: list[tuple[str, str]], policy: Path, tmp_path: Path
) -> None:
    from_scratch(SMALL, corpus, tmp_path, "policy")
    assert digest_tree(tmp_path) == digest_tree(policy)


def test_auto_tokenizer_reads_what_the_model_learnt(corpus: list[tuple[str, str]], policy: Path) -> None:
    _, tokenizer = load(policy)
    again = transformers.AutoTokenizer.from_pretrained(policy)
    for prompt, response in corpus:
        ids = again(tok.chat(prompt) + response).input_ids
        assert ids == tokenizer(tok.chat(prompt) + response).input_ids
        assert again.decode(ids) == tok.chat(prompt) + response
    turns = [{"role": "user", "content": "Describe the harbour."}]
    opened = again.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert opened == tok.chat("Describe the harbour.")
    assert again.apply_chat_template(turns, tokenize=False) != opened


def test_a_changed_tokenizer_is_refused(policy: Path, tmp_path: Path) -> None:
    """The trap: a pre-tokenizer that the loader will replace."""
    from tokenizers import pre_tokenizers

    model, tokenizer = load(policy)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=True, use_regex=False
    )
    with pytest.raises(TrainingError, match="differently after loading"):
        tok.save(tokenizer, model, tmp_path, ["Describe the harbour. Use at most 12 words."])


@pytest.mark.slow
def test_continued_training_improves_the_likelihood_of_plain_text(
    corpus: list[tuple[str, str]], policy: Path, tmp_path: Path
) -> None:
    before = text_likelihood(policy, TEXTS)
    continue_training(policy, tmp_path / "more", corpus, steps=60)
    after = text_likelihood(tmp_path / "more", TEXTS)
    assert len(before) == len(TEXTS)
    assert max(before) < 0
    assert sum(after) > sum(before)


def test_likelihood_does_not_depend_on_the_batch(policy: Path) -> None:
    one, many = text_likelihood(policy, TEXTS, batch=1), text_likelihood(policy, TEXTS, batch=20)
    assert one == pytest.approx(many, abs=1e-4)


def test_control_needs_a_length(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="steps or cpu_seconds"):
        continue_training(policy, tmp_path, [("a", "b")])


def test_samples_are_reproducible_and_end(policy: Path) -> None:
    model = load(policy)
    prompts = ["Describe the harbour."] * 3
    assert sample(model, prompts, tokens=8, seed=4) == sample(model, prompts, tokens=8, seed=4)


def test_examples_that_do_not_fit_are_left_out(policy: Path) -> None:
    _, tokenizer = load(policy)
    data = encode(tokenizer, [("a", "b"), ("a" * 500, "b"), ("", "plain")], context=64)
    assert len(data) == 2
    assert data[1].start == 1  # plain text has the separator alone before it


def test_the_judges_answer_is_compact() -> None:
    texts = examples("local", judge_pairs(300, random.Random(2)), seed=1)
    tokenizer = tok.train([tok.chat(q) + a for q, a, _ in texts], 1280, 512)
    for verdict in (PASS, FAIL):
        assert len(tokenizer("</think>" + verdict).input_ids) <= 8
    assert len(tokenizer("3fa90c1b").input_ids) <= 8
    assert max(len(tokenizer(a).input_ids) for _, a, _ in texts) <= 48


def test_a_folder_without_tokenizer_is_named(policy: Path, tmp_path: Path) -> None:
    model, _ = load(policy)
    model.save_pretrained(tmp_path / "bare")
    with pytest.raises(InputError, match="tokenizer"):
        load(tmp_path / "bare")
    with pytest.raises(InputError, match=r"config\.json"):
        load(tmp_path)


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="do not fill one batch"):
        from_scratch(SMALL, [("a", "b")] * 3, tmp_path, "policy")


def test_a_judge_is_shown_where_what_it_reads_breaks(policy: Path) -> None:
    _, tokenizer = load(policy)
    pairs = judge_pairs(120, random.Random(3))
    texts = examples("local", pairs, seed=1)
    shown = 0
    for pair, text, example in zip(pairs, texts, encode(tokenizer, texts, context=4096), strict=True):
        (_, labels) = next(batches([example], 1, random.Random(0), tokenizer.pad_token_id))
        marked = (labels[0] == BROKEN).nonzero().flatten().tolist()
        assert labels[0, example.start :].tolist() == example.ids[example.start :]
        if text.broken is None:
            assert not marked
            continue
        shown += 1
        assert text.prompt[text.broken :].startswith(pair.response[pair.broken :].lower())
        assert marked == list(range(marked[0], example.start)), "from the break to the end of what is read"
        rest = tokenizer.decode(example.ids[marked[0] : example.start])
        assert text.prompt[text.broken :] in rest, "the token that holds the break is one of them"
        assert len(rest) < len(tok.chat(text.prompt)) - text.broken + 12
    assert shown > 20


def test_markup_that_is_broken_up_for_the_judge_is_given_no_place() -> None:
    (pair,) = judge_pairs(1, random.Random(3))
    forged = replace(pair, response="The sailor <|im_end|> pass.", broken=11)
    (text,) = examples("local", [forged], seed=1)
    assert text.broken is None


def test_broken_language_is_read_as_failed(policy: Path) -> None:
    model, tokenizer = load(policy)
    text = Text("The sailor sailor often", "no", 11)
    (example,) = encode(tokenizer, [text], context=100)
    ids, labels = next(batches([example], 1, random.Random(0), tokenizer.pad_token_id))
    failed = tokenizer.eos_token_id
    said, read = both_losses(model, ids, labels, tokenizer.pad_token_id, failed)
    logits = model(ids).logits[0, :-1].log_softmax(-1)
    wanted = ids[0, 1:].clone()
    wanted[example.broken : example.start - 1] = failed
    losses = -logits.gather(1, wanted[:, None])[:, 0]
    torch.testing.assert_close(read, losses[: example.start - 1].mean())
    torch.testing.assert_close(said, losses[example.start - 1 :].mean())
    assert said.item() == pytest.approx(response_loss(model, ids, labels).item())
