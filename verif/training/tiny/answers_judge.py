"""A language model of answers, trained to say yes or no in one token, in the very prompt that it will be asked in.

Its lessons are constructed pairs of a reference and an answer (`verif.data.answers.pairs`), of which the truth is known; its
size, optimiser and loss are those of the tiny judges. `lessons` are turns of a chat, so a larger model learns from the same
by any trainer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch

from verif.core.answers.hybrid import Pair
from verif.core.answers.language import messages
from verif.data.answers.pairs import AnswerPair
from verif.errors import TrainingError
from verif.recipe import ScratchModel
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.chats import Chat, encode_chats, prompt_of
from verif.training.tiny.inference import load
from verif.training.tiny.judge_policy import PROMPT_WEIGHT
from verif.training.tiny.pretrain import Trained, fit, make_model

YES, NO = "yes", "no"
QUESTION = "What is it?"
"""Constructed pairs have no question of their own."""


def lessons(pairs: Sequence[AnswerPair], seed: int) -> list[Chat]:
    """System, user and assistant turn of each pair, with a fresh random marker each."""
    rng = random.Random(f"answers judge {seed}")
    return [
        [
            *messages(Pair(QUESTION, pair.reference, pair.answer), f"{rng.getrandbits(32):08x}"),
            {"role": "assistant", "content": YES if pair.same else NO},
        ]
        for pair in pairs
    ]


def train_answers_judge(section: ScratchModel, pairs: Sequence[AnswerPair], folder: Path) -> Trained:
    """Train from scratch and write the model to `folder`; `TrainingError` where yes or no is no single token."""
    torch.manual_seed(section.seed)
    chats = lessons(pairs, section.seed)
    texts = [prompt_of(chat) + chat[-1]["content"] for chat in chats]
    tokenizer = tok.train(texts[:8000], section.vocabulary, section.context)
    for word in (YES, NO):
        if len(tokenizer(word).input_ids) != 1:
            raise TrainingError(
                f"{word!r} is {len(tokenizer(word).input_ids)} tokens of this vocabulary: give more pairs."
            )
    data = encode_chats(tokenizer, chats, section.context)
    if not data:
        raise TrainingError(f"no pair of answers fits into {section.context} tokens.")
    model = make_model(section, tokenizer)
    trained = fit(
        model, data, tokenizer.pad_token_id, steps=section.steps, batch=section.batch,
        learning_rate=section.learning_rate, seed=section.seed, name="answers", prompt_weight=PROMPT_WEIGHT,
    )  # fmt: skip
    tok.save(tokenizer, model, folder, texts[:300])
    return trained


def likelihoods(folder: Path, pairs: Sequence[AnswerPair], seed: int = 0, batch: int = 32) -> list[float]:
    """The probability of yes against no for each pair, by transformers; in service a server says it."""
    model, tokenizer = load(folder)
    words = [tokenizer(word).input_ids[0] for word in (YES, NO)]
    out: list[float] = []
    prompts = [prompt_of(chat) for chat in lessons(pairs, seed)]
    with torch.no_grad():
        for low in range(0, len(prompts), batch):
            encoded = tokenizer(
                prompts[low : low + batch], add_special_tokens=False, padding=True, return_tensors="pt"
            )
            logits = model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).logits[:, -1]
            out += logits[:, words].softmax(-1)[:, 0].tolist()
    return out
