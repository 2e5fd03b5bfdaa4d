"""A model of any size tuned on CPU: a few answers to prompts, AdamW, in the precision that the processor computes fast.

`pretrain` makes tiny models with optimisers of their own; a model that somebody trained before is changed little, by the
usual one. What is saved is in the form in which the base was saved, so that it is served as the base is.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken

from verif.errors import TrainingError
from verif.system.processor import precision, threads
from verif.system.weights import shape
from verif.training.tiny.bars import progress
from verif.training.tiny.batching import Example, batches
from verif.training.tiny.inference import computing, load
from verif.training.tiny.pretrain import HELD_BACK, Trained, response_loss

ROWS = 4
"""Rows of a batch that are computed at a time."""
WARMUP, FLOOR = 0.1, 0.05
"""Share of the steps in which the learning rate rises; the share of it that the last step has."""
Chat = tuple[str, str]
"""A user's turn and the answer to it."""


def tune(
    base: Path, out: Path, chats: Sequence[Chat], *, steps: int, batch: int, learning_rate: float, seed: int, name: str,
    context: int = 0, template: str = "", tokens: dict[str, str] | None = None,
) -> Trained:  # fmt: skip
    """Tune the model in `base` on the answers of `chats` for that many steps and write it to the folder `out`.

    Chats longer than `context` tokens (0: as the base holds) are left out. `template` replaces the chat template. `tokens`
    are texts that become one token each, with the word of the base that each begins as. Raises `TrainingError` where
    nothing fits or the loss is not finite.
    """
    torch.set_num_threads(threads(base))
    torch.manual_seed(seed)
    model, tokenizer = load(base)
    if template:
        tokenizer.chat_template = template
    add_tokens(model, tokenizer, tokens or {})
    longest = int(model.config.max_position_embeddings)
    examples = encoded(tokenizer, chats, min(context or longest, longest))
    random.Random(seed).shuffle(examples)
    held = min(HELD_BACK, len(examples) // 20)
    kept, back = examples[held:], examples[:held]
    if len(kept) < batch:
        raise TrainingError(
            f"{name}: {len(kept)} of {len(chats)} examples fit and are taught; a batch is {batch}."
        )
    pad = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)
    begun = time.process_time()
    fast = precision(base) == "bfloat16"
    loss, seen = _fit(model, kept, pad, steps, batch, learning_rate, seed, name, fast)
    trained = Trained(
        parameters=sum(p.numel() for p in model.parameters()),
        steps=steps,
        examples=len(kept),
        tokens=seen,
        train_loss=round(loss, 4),
        validation_loss=round(_mean_loss(model, back or kept[:batch], pad, fast), 4),
        cpu_seconds=round(time.process_time() - begun, 1),
        longest=max(len(example.ids) for example in examples),
        left_out=len(chats) - len(examples),
    )
    _save(model, tokenizer, base, out, [text for chat in chats[:50] for text in chat])
    return trained


def encoded(tokenizer: Any, chats: Sequence[Chat], context: int) -> list[Example]:
    """Token ids and the length of the prompt, by the tokenizer's own chat template; the end token closes each answer."""
    asked = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        for prompt, _ in chats
    ]
    if not chats:
        return []
    prompts = tokenizer(asked, add_special_tokens=False).input_ids
    answers = tokenizer(
        [answer + tokenizer.eos_token for _, answer in chats], add_special_tokens=False
    ).input_ids
    return [
        Example(p + a, len(p)) for p, a in zip(prompts, answers, strict=True) if len(p) + len(a) <= context
    ]


def add_tokens(model: Any, tokenizer: Any, tokens: dict[str, str]) -> None:
    """Each text becomes one token, whose embedding begins as that of a word's first token."""
    known = {text for text in tokens if len(tokenizer(text, add_special_tokens=False).input_ids) == 1}
    new = [text for text in tokens if text not in known]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in new])
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        for text in new:
            (place,) = tokenizer(text, add_special_tokens=False).input_ids
            like = tokenizer(tokens[text], add_special_tokens=False).input_ids[0]
            for embedding in {model.get_input_embeddings(), model.get_output_embeddings()}:
                embedding.weight[place] = embedding.weight[like]


def _fit(
    model: Any, examples: Sequence[Example], pad: int, steps: int, batch: int, rate: float, seed: int, name: str, fast: bool
) -> tuple[float, int]:  # fmt: skip
    """The smoothed loss at the end, and the tokens that were read (padding included)."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    stream, smooth, tokens = batches(examples, batch, random.Random(seed), pad), 0.0, 0
    warm = max(1, round(WARMUP * steps))
    model.train()
    with progress(name, steps) as update:
        for step in range(steps):
            share = min(1.0, (step + 1) / warm) * max(FLOOR, 1 - step / steps)
            optimizer.param_groups[0]["lr"] = rate * share
            ids, labels = next(stream)
            loss = _backward(model, ids, labels, fast)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{name}: the loss is not finite at step {step}; lower the learning rate."
                )
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tokens += ids.numel()
            smooth = 0.9 * smooth + 0.1 * loss
            update(step + 1, f"loss {smooth / (1 - 0.9 ** (step + 1)):.3f}")
    model.eval()
    return smooth / (1 - 0.9**steps), tokens


def _backward(model: Any, ids: torch.Tensor, labels: torch.Tensor, fast: bool) -> float:
    """The batch's mean loss, and its gradient, a few rows at a time: what a row keeps for its gradient is what takes memory."""
    count, total = int((labels[:, 1:] >= 0).sum()), 0.0
    for rows, wanted in zip(torch.split(ids, ROWS), torch.split(labels, ROWS), strict=True):
        with computing(fast):
            loss = response_loss(model, rows, wanted, "sum") / count
        loss.backward()
        total += loss.item()
    return total


def _mean_loss(model: Any, examples: Sequence[Example], pad: int, fast: bool) -> float:
    total, count = 0.0, 0
    stream = batches(examples, 16, random.Random(0), pad)
    with torch.no_grad(), computing(fast):
        for _ in range((len(examples) + 15) // 16):
            ids, labels = next(stream)
            total += float(response_loss(model, ids, labels, "sum"))
            count += int((labels[:, 1:] >= 0).sum())
    return total / max(count, 1)


def _save(model: Any, tokenizer: Any, base: Path, out: Path, probes: Sequence[str]) -> None:
    """Model and tokenizer in the base's precision; refused if the tokenizer reads otherwise after loading."""
    from transformers import AutoTokenizer

    config = shape(base)
    if config.get("dtype", config.get("torch_dtype")) == "bfloat16":
        model.to(torch.bfloat16)
    out.mkdir(parents=True, exist_ok=True)
    model.config._name_or_path = ""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    again = AutoTokenizer.from_pretrained(out, local_files_only=True, trust_remote_code=False)
    for text in probes:
        if tokenizer(text).input_ids != again(text).input_ids:
            raise TrainingError(f"the tokenizer in {out} reads {text[:60]!r} differently after loading.")
    if (again.chat_template, again.eos_token_id) != (tokenizer.chat_template, tokenizer.eos_token_id):
        raise TrainingError(f"the tokenizer in {out} lost its chat template or its end token on loading.")
