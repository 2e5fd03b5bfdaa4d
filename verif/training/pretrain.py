"""Tiny causal language models from scratch on one CPU thread, and the same training continued.

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

from verif.errors import InputError, TrainingError
from verif.recipe import ScratchModel
from verif.training import tokenizer as tok
from verif.training.bars import progress
from verif.training.batches import IGNORE, Batch, Example, Span, batches, encode
from verif.training.muon import Muon

MUON_RATE, WARMUP, FLOOR = 0.02, 10, 0.02
WRITING_WEIGHT, SEEING_WEIGHT, BREAK_WEIGHT = 0.2, 0.5, 4.0
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


def make_model(section: ScratchModel, tokenizer: Any) -> Any:
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


def load(folder: Path) -> tuple[Any, Any]:
    """Model (fp32, evaluation mode) and tokenizer of a folder; a missing part is an `InputError`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    for name, why in (("config.json", "a model"), ("tokenizer.json", "a tokenizer")):
        if not (folder / name).is_file():
            raise InputError(
                f"the folder holds no {name}: it is not {why}.", file=folder, hint="Make it again."
            )
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot load the model: {str(error).splitlines()[0]}", file=folder) from None
    return model.eval(), tokenizer


def losses(
    model: Any, batch: Batch, probe: torch.nn.Linear | None = None, reduction: str = "mean"
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Cross-entropy of the response and, with a probe, what reading costs.

    Reading is to write on where the judged text is sound, and to see in the first layer where it breaks.
    """
    states = model.model(input_ids=batch.ids, output_hidden_states=probe is not None)
    said = batch.labels[:, 1:] != IGNORE
    hidden = states.last_hidden_state[:, :-1]
    loss = F.cross_entropy(model.lm_head(hidden[said]), batch.labels[:, 1:][said], reduction=reduction)
    if probe is None:
        return loss, None
    sound = batch.breaks[:, 1:] == 0
    writing = F.cross_entropy(model.lm_head(hidden[sound]), batch.ids[:, 1:][sound])
    known = batch.breaks != IGNORE
    seen = probe(states.hidden_states[1][known]).squeeze(-1)
    broken = batch.breaks[known].float()
    seeing = F.binary_cross_entropy_with_logits(seen, broken, pos_weight=torch.tensor(BREAK_WEIGHT))
    return loss, WRITING_WEIGHT * writing + SEEING_WEIGHT * seeing


def _optimizers(
    model: Any, probe: torch.nn.Linear | None, learning_rate: float, muon_rate: float
) -> list[torch.optim.Optimizer]:
    named = list(model.named_parameters())
    matrices = [p for n, p in named if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in named if p.ndim != 2 or "embed" in n] + list(probe.parameters() if probe else ())
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
            batch = next(stream)
            total += float(losses(model, batch, reduction="sum")[0])
            count += int((batch.labels[:, 1:] != IGNORE).sum())
    return total / max(count, 1)


def fit(
    model: Any, data: Sequence[Example], pad: int, *, steps: int, batch: int, learning_rate: float, seed: int,
    name: str, muon_rate: float = MUON_RATE, cpu_seconds: float | None = None,
) -> Trained:  # fmt: skip
    """Train in place with Muon on the matrices and AdamW on the rest, falling linearly; `data` keeps its last part back.

    Examples that know where their text breaks also teach the first layer to see it, through a probe that is
    thrown away: a yes or no at the end of a long text teaches grammar ten times slower. With `cpu_seconds`
    training stops there instead of after `steps` (for a control that gets the time of another training).
    """
    torch.set_num_threads(1)
    rng = random.Random(seed)
    held = min(HELD_BACK, len(data) // 20)
    kept, back = data[: len(data) - held], data[len(data) - held :]
    if len(kept) < batch:
        raise TrainingError(f"{len(kept)} examples do not fill one batch of {batch}: prepare more.")
    probe = torch.nn.Linear(model.config.hidden_size, 1) if data[0].breaks else None
    optimizers = _optimizers(model, probe, learning_rate, muon_rate)
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
            one = next(stream)
            loss, reading = losses(model, one, probe)
            (loss if reading is None else loss + reading).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"{name}: the loss is not finite at step {step}; lower the learning rate."
                )
            step, tokens = step + 1, tokens + one.ids.numel()
            smooth = 0.98 * smooth + 0.02 * loss.item()
            update(
                step,
                f"loss {smooth / (1 - 0.98**step):.3f}"
                + (f" {reading.item():.3f}" if reading is not None else ""),
            )
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
    section: ScratchModel,
    pairs: Sequence[tuple[str, str]],
    folder: Path,
    name: str,
    spans: Sequence[Span] = (),
) -> Trained:
    """Tokenizer and model from (prompt, response) pairs, written to `folder` in Hugging Face form.

    `spans`, one per pair, say where the judged text stands and breaks (see `fit`).
    """
    torch.manual_seed(section.seed)
    order = random.Random(section.seed).sample(range(len(pairs)), len(pairs))
    texts = [(tok.chat(pairs[i][0]) if pairs[i][0] else "") + pairs[i][1] for i in order]
    tokenizer = tok.train(texts[:8000], section.vocabulary, section.context)
    model = make_model(section, tokenizer)
    data = encode(
        tokenizer, [pairs[i] for i in order], section.context, [spans[i] for i in order] if spans else ()
    )
    if not data:
        raise TrainingError(f"{name}: no example fits into {section.context} tokens.")
    trained = fit(
        model, data, tokenizer.pad_token_id, steps=section.steps, batch=section.batch,
        learning_rate=section.learning_rate, seed=section.seed, name=name,
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
    rates = {"learning_rate": learning_rate, "muon_rate": MUON_RATE * learning_rate / 1e-2}
    trained = fit(
        model, data, tokenizer.pad_token_id, steps=steps, cpu_seconds=cpu_seconds, batch=batch, seed=seed,
        name="supervised control", **rates,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    tok.save(tokenizer, model, out, [f"{tok.chat(p)}{r}" for p, r in pairs[:100]])
    return trained


def text_likelihood(folder: Path, texts: Sequence[str], batch: int = 32) -> list[float]:
    """Mean log-likelihood per token (nats, at most 0) of each plain text under the model in `folder`.

    The text stands alone behind the model's document separator: no instruction, no chat. It is the general
    canary: a policy that forgets its language while it learns to please the verifier shows here first.
    """
    torch.set_num_threads(1)
    model, tokenizer = load(folder)
    separator = next(
        i for i in (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None
    )
    rows = [[separator, *ids] for ids in tokenizer(list(texts), add_special_tokens=False).input_ids]
    out = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    with torch.no_grad():
        for low in range(0, len(order), batch):
            part = order[low : low + batch]
            width = max(len(rows[i]) for i in part)
            ids = torch.tensor([rows[i] + [separator] * (width - len(rows[i])) for i in part])
            log_probs = model(input_ids=ids).logits[:, :-1].log_softmax(-1)
            scores = log_probs.gather(-1, ids[:, 1:, None]).squeeze(-1)
            for row, i in enumerate(part):
                length = len(rows[i]) - 1
                out[i] = float(scores[row, :length].mean()) if length else 0.0
    return out


def sample(
    folder_or_model: tuple[Any, Any], prompts: Sequence[str], *, temperature: float = 1.0, tokens: int = 104,
    batch: int = 128, seed: int = 0,
) -> list[str]:  # fmt: skip
    """One response per user prompt (temperature 0 is greedy), with transformers: for quick checks, not for evaluation."""
    model, tokenizer = folder_or_model
    torch.manual_seed(seed)
    how = (
        {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        if temperature
        else {"do_sample": False}
    )
    out: list[str] = []
    with torch.no_grad():
        for low in range(0, len(prompts), batch):
            texts = [tok.chat(p) for p in prompts[low : low + batch]]
            encoded = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt")
            made = model.generate(
                input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=tokens,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, **how,
            )  # fmt: skip
            out += tokenizer.batch_decode(made[:, encoded.input_ids.shape[1] :], skip_special_tokens=True)
    return out
