"""GRPO in one process for policies of a few hundred thousand parameters: what veRL computes, without its servers.

Groups of one prompt, advantages by the group's mean and deviation, one update per batch on all tokens. Rollouts without a
reward (an error of the verifier) leave their group, as in training proper. For comparing verifiers over seeds; figures of
the pipeline come from the pipeline.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from verif.training.tiny import tokenizer as tok
from verif.types import Instruction

PROMPTS, GROUP, TOKENS, RATE = 16, 8, 64, 1e-3


@dataclass(frozen=True)
class Written:
    """One response of a step: its text, whether it ended by itself, its reward (None: an error)."""

    item: Instruction
    text: str
    finished: bool
    reward: float | None = None


Rewards = Callable[[Sequence[Written]], Sequence[float | None]]
Seen = Callable[[int, Sequence[Written]], None]


def generate(model: Any, tokenizer: Any, prompts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Token ids (rows, prompt and response), their attention mask, and where responses begin; temperature 1."""
    encoded = tokenizer(
        [tok.chat(p) for p in prompts], add_special_tokens=False, padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        ids = model.generate(
            input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=TOKENS, do_sample=True,
            temperature=1.0, top_k=0, top_p=1.0, pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
    start = encoded.input_ids.shape[1]
    ended = (ids[:, start:] == tokenizer.eos_token_id).cumsum(1)
    said = (ended == 0) | ((ended == 1) & (ids[:, start:] == tokenizer.eos_token_id))
    return ids, torch.cat([encoded.attention_mask, said.long()], 1), start


def written(items: Sequence[Instruction], ids: torch.Tensor, start: int, tokenizer: Any) -> list[Written]:
    """The responses as text."""
    texts = tokenizer.batch_decode(ids[:, start:], skip_special_tokens=True)
    ends = (ids[:, start:] == tokenizer.eos_token_id).any(1).tolist()
    return [Written(item, text, end) for item, text, end in zip(items, texts, ends, strict=True)]


def advantages(rewards: Sequence[float | None]) -> torch.Tensor:
    """Of whole groups, one after the other; a rollout without a reward, or the only one of its group, has none."""
    out: list[float] = []
    for low in range(0, len(rewards), GROUP):
        group = rewards[low : low + GROUP]
        kept = torch.tensor([value for value in group if value is not None])
        if len(kept) < 2:
            out += [0.0] * len(group)
            continue
        mean, deviation = float(kept.mean()), float(kept.std())
        out += [0.0 if value is None else (value - mean) / (deviation + 1e-6) for value in group]
    return torch.tensor(out)


def update(
    model: Any,
    optimizer: torch.optim.Optimizer,
    ids: torch.Tensor,
    mask: torch.Tensor,
    start: int,
    gain: torch.Tensor,
) -> None:
    """One step on the responses of a batch; the mean is over all their tokens."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits[:, start - 1 : -1]
    chosen = logits.log_softmax(-1).gather(-1, ids[:, start:, None]).squeeze(-1)
    said = mask[:, start:]
    loss = -(chosen * gain[:, None] * said).sum() / said.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def train(
    loaded: tuple[Any, Any],
    items: Sequence[Instruction],
    rewards: Rewards,
    seen: Seen,
    *,
    steps: int,
    seed: int,
) -> None:
    """Train the loaded policy in place; `seen` gets every step's responses with their rewards."""
    model, tokenizer = loaded
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    for step in range(1, steps + 1):
        chosen = [item for item in rng.sample(items, PROMPTS) for _ in range(GROUP)]
        ids, mask, start = generate(model, tokenizer, [item.prompt for item in chosen])
        said = written(chosen, ids, start, tokenizer)
        given = rewards(said)
        update(model, optimizer, ids, mask, start, advantages(given))
        seen(step, [Written(w.item, w.text, w.finished, r) for w, r in zip(said, given, strict=True)])
