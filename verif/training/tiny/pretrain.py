"""Tiny causal language models from scratch on CPU, and the same training continued.

Training takes a fixed number of steps, so that the same data, seed and machine give the same model: a limit
in seconds would make the result depend on what else runs. Loss is taken on the response only.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from verif.errors import TrainingError
from verif.recipe import TinyModel
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.bars import progress
from verif.training.tiny.batching import BROKEN, Example, Pair, batches, encode
from verif.training.tiny.inference import load
from verif.training.tiny.muon import Muon

MUON_RATE, WARMUP, FLOOR = 0.02, 10, 0.02
HELD_BACK = 400  # examples at most, for the validation loss


@dataclass(frozen=True)
class Trained:
    """Numbers of one training: losses are nats per response token."""

    parameters: int
    steps: int
    examples: int
    tokens: int
    train_loss: float
    validation_loss: float
    cpu_seconds: float
    longest: int
    left_out: int = 0  # examples that do not fit into the context


def make_model(section: TinyModel, tokenizer: Any) -> Any:
    """A random Qwen2 of the section's size (a form that transformers, vLLM and veRL all load)."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=section.width, num_hidden_layers=section.layers,
            num_attention_heads=section.heads, num_key_value_heads=section.heads, intermediate_size=section.ffn,
            max_position_embeddings=section.context, tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
        )
    )  # fmt: skip


def response_loss(
    model: Any, ids: torch.Tensor, labels: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    """Cross-entropy where labels are set; the head is applied to those positions only."""
    keep = labels[:, 1:] >= 0
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1][keep]
    return F.cross_entropy(model.lm_head(hidden), labels[:, 1:][keep], reduction=reduction)


def both_losses(
    model: Any, ids: torch.Tensor, labels: torch.Tensor, pad: int, failed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy of the response and of the prompt: a model that can write what it reads reads it better.

    Once the language of what it reads has broken, the next token is to be `failed`: so it learns at which one it broke.
    """
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    said = labels[:, 1:] >= 0
    read = ~said & (ids[:, 1:] != pad)
    wanted = torch.where((labels[:, :-1] == BROKEN) & read, failed, ids[:, 1:])
    logits = model.lm_head(hidden[said | read])
    losses = F.cross_entropy(logits, wanted[said | read], reduction="none")
    which = said[said | read]
    return losses[which].mean(), losses[~which].mean()


def _optimizers(model: Any, learning_rate: float, muon_rate: float) -> list[torch.optim.Optimizer]:
    named = list(model.named_parameters())
    matrices = [p for n, p in named if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in named if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01),
        Muon(matrices, lr=muon_rate),
    ]


def mean_loss(model: Any, data: Sequence[Example], pad: int) -> float:
    """Mean cross-entropy per response token."""
    total, count = 0.0, 0
    stream = batches(data, 32, random.Random(0), pad)
    with torch.no_grad():
        for _ in range((len(data) + 31) // 32):
            ids, labels = next(stream)
            total += float(response_loss(model, ids, labels, "sum"))
            count += int((labels[:, 1:] >= 0).sum())
    return total / max(count, 1)


def fit(
    model: Any, data: Sequence[Example], pad: int, *, steps: int, batch: int, learning_rate: float, seed: int,
    name: str, muon_rate: float = MUON_RATE, cpu_seconds: float | None = None, prompt_weight: float = 0.0,
    failed: int = 0, threads: int = 1,
) -> Trained:  # fmt: skip
    """Train in place with Muon on the matrices and AdamW on the rest, falling linearly; `data` keeps its last part back.

    `prompt_weight` is the weight of the loss on the prompt beside the response's (`both_losses`). With `cpu_seconds` training
    stops there instead (for a control that gets the time of another training).
    """
    torch.set_num_threads(threads)
    rng = random.Random(seed)
    held = min(HELD_BACK, len(data) // 20)
    kept, back = data[: len(data) - held], data[len(data) - held :]
    if len(kept) < batch:
        raise TrainingError(f"{len(kept)} examples do not fill one batch of {batch}: prepare more.")
    optimizers = _optimizers(model, learning_rate, muon_rate)
    peaks = [o.param_groups[0]["lr"] for o in optimizers]
    stream, begun, smooth, tokens, step = batches(kept, batch, rng, pad), time.process_time(), 0.0, 0, 0
    model.train()
    with progress(name, steps) as update:
        while step < steps:
            spent = time.process_time() - begun
            done = max(step / steps, spent / cpu_seconds if cpu_seconds else 0.0)
            if done >= 1:
                break
            for optimizer, peak in zip(optimizers, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * min(1.0, (step + 1) / WARMUP) * max(FLOOR, 1 - done)
            ids, labels = next(stream)
            if prompt_weight:
                loss, reading = both_losses(model, ids, labels, pad, failed)
                (loss + prompt_weight * reading).backward()
            else:
                loss = response_loss(model, ids, labels)
                loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"{name}: the loss is not finite at step {step}; lower the learning rate."
                )
            step, tokens = step + 1, tokens + ids.numel()
            smooth = 0.98 * smooth + 0.02 * loss.item()
            update(step, f"loss {smooth / (1 - 0.98**step):.3f}")
    model.eval()
    return Trained(
        parameters=sum(p.numel() for p in model.parameters()),
        steps=step,
        examples=len(kept),
        tokens=tokens,
        train_loss=round(smooth / (1 - 0.98 ** max(step, 1)), 4),
        validation_loss=round(mean_loss(model, back or kept[:HELD_BACK], pad), 4),
        cpu_seconds=round(time.process_time() - begun, 1),
        longest=max(len(example.ids) for example in data),
    )


def from_scratch(
    section: TinyModel,
    pairs: Sequence[Pair],
    folder: Path,
    name: str,
    prompt_weight: float = 0.0,
    threads: int = 1,
    whole: Sequence[str] = (),
    failed: str = "",
) -> Trained:
    """Tokenizer and model from (prompt, response) pairs, written to `folder` in Hugging Face form.

    Each text of `whole` becomes one token; `failed` is the one that broken language is read as. Another number of
    threads gives another model: it changes the last bits of a sum.
    """
    torch.manual_seed(section.seed)
    order = random.Random(section.seed).sample(range(len(pairs)), len(pairs))
    texts = [(tok.chat(pairs[i][0]) if pairs[i][0] else "") + pairs[i][1] for i in order]
    tokenizer = tok.train(texts[:8000], section.vocabulary, section.context, whole)
    model = make_model(section, tokenizer)
    data = encode(tokenizer, [pairs[i] for i in order], section.context)
    if not data:
        raise TrainingError(f"{name}: no example fits into {section.context} tokens.")
    trained = fit(
        model, data, tokenizer.pad_token_id, steps=section.steps, batch=section.batch,
        learning_rate=section.learning_rate, seed=section.seed, name=name, prompt_weight=prompt_weight,
        failed=tokenizer.convert_tokens_to_ids(failed) if failed else 0, threads=threads,
    )  # fmt: skip
    tok.save(tokenizer, model, folder, texts[:300])
    return replace(trained, left_out=len(pairs) - len(data))


def continue_training(
    policy: Path, out: Path, pairs: Sequence[tuple[str, str]], *, steps: int = 10**6, cpu_seconds: float | None = None,
    batch: int = 16, learning_rate: float = 2e-3, seed: int = 1,
) -> Trained:  # fmt: skip
    """The control beside reinforcement: the same supervised training for longer, from `policy`, written to `out`.

    Give `steps` (reproducible) or `cpu_seconds` (the time that reinforcement took).
    """
    if cpu_seconds is None and steps >= 10**6:
        raise ValueError("give steps or cpu_seconds")
    torch.manual_seed(seed)
    model, tokenizer = load(policy)
    data = encode(tokenizer, pairs, model.config.max_position_embeddings)
    random.Random(seed).shuffle(data)
    trained = fit(
        model, data, tokenizer.pad_token_id, steps=steps, cpu_seconds=cpu_seconds, batch=batch, seed=seed,
        name="supervised control", learning_rate=learning_rate, muon_rate=MUON_RATE * learning_rate / 1e-2,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    tok.save(tokenizer, model, out, [f"{tok.chat(p)}{r}" for p, r in pairs[:100]])
    return trained
