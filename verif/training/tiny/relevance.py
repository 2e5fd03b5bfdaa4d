"""A judge of relevance: a model tuned to say in one token whether a text does what its task asks.

It writes no reasons, so a text cannot argue with it. Its two verdicts are tokens of their own, spelt with capitals: the
judge prompt `local` shows a response in small letters, so that none can write a verdict. The base is any causal model.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch

from verif.data.splits import JudgePair
from verif.recipe import RelevanceJudge
from verif.system.processor import precision, threads
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.inference import computing, load
from verif.training.tiny.judge_sft import question
from verif.training.tiny.pretrain import Trained
from verif.training.tiny.tuning import tune

YES, NO = '{"verdict":"pass","reason":"YES"}', '{"verdict":"fail","reason":"NO"}'
PROMPT = "local"
"""The judge prompt that hides from a response how a verdict is spelt."""


def train_relevance(
    section: RelevanceJudge, base: Path, pairs: Sequence[JudgePair], out: Path, seed: int
) -> Trained:
    """Tune the model in `base` on the judgements and write the judge to the folder `out`."""
    rng = random.Random(f"relevance markers {seed}")
    chats = [
        (
            question(PROMPT, pair.instruction, pair.response, f"{rng.getrandbits(32):08x}"),
            YES if pair.followed else NO,
        )
        for pair in pairs
    ]
    return tune(
        base, out, chats, steps=section.steps, batch=section.batch, learning_rate=section.learning_rate, seed=seed,
        name="judge of relevance", context=section.context, template=tok.CHAT, tokens={YES: "Yes", NO: "No"},
    )  # fmt: skip


def probabilities(judge: Path, pairs: Sequence[JudgePair], batch: int = 16) -> list[float]:
    """The probability of yes against no for each judgement, in this process; in service a server says it."""
    torch.set_num_threads(threads(judge))
    model, tokenizer = load(judge)
    verdicts = [tokenizer(text, add_special_tokens=False).input_ids[0] for text in (YES, NO)]
    prompts = [tok.chat(question(PROMPT, pair.instruction, pair.response, "0" * 8)) for pair in pairs]
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    out = [0.0] * len(prompts)
    with torch.no_grad(), computing(precision(judge) == "bfloat16"):
        for low in range(0, len(order), batch):
            places = order[low : low + batch]
            read = tokenizer(
                [prompts[place] for place in places],
                add_special_tokens=False,
                padding=True,
                return_tensors="pt",
            )
            logits = model(
                input_ids=read.input_ids, attention_mask=read.attention_mask, logits_to_keep=1
            ).logits
            for place, value in zip(
                places, logits[:, -1, verdicts].float().softmax(-1)[:, 0].tolist(), strict=True
            ):
                out[place] = value
    return out
