"""GRPO in one process for policies of a few hundred thousand parameters: what veRL computes, without its servers.

Groups of one prompt, advantages by the group's mean and deviation, one update per batch on all tokens. GroupedRollouts without a
reward (an error of the verifier) leave their group, as in training proper; prompts whose rollouts all earn the same may be
replaced (`train.refill`). For comparing verifiers over seeds; figures of the pipeline come from the pipeline.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from verif.training.tiny import tokenizer as tok
from verif.training.verl.exclusion import without_contrast
from verif.types import Instruction

PROMPTS, GROUP, TOKENS, RATE = 16, 8, 64, 1e-3


@dataclass(frozen=True)
class Written:
    """One response of a step: its text, whether it ended by itself, its reward (None: an error), its tokens."""

    item: Instruction
    text: str
    finished: bool
    reward: float | None = None
    tokens: int = 0


@dataclass(frozen=True)
class GroupedRollouts:
    """Whole groups: token ids (rows, prompt and response), their attention mask, where responses begin, and the responses."""

    ids: torch.Tensor
    mask: torch.Tensor
    start: int
    said: list[Written]

    def of(self, rows: Sequence[int]) -> GroupedRollouts:
        """Some rows."""
        return GroupedRollouts(
            self.ids[list(rows)], self.mask[list(rows)], self.start, [self.said[row] for row in rows]
        )


Rewards = Callable[[Sequence[Written]], Sequence[float | None]]
Seen = Callable[[int, Sequence[Written]], None]
"""Told of a step's number and of all that was drawn in it, what was replaced included."""


def generate(
    model: Any, tokenizer: Any, prompts: Sequence[str], temperature: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Token ids (rows, prompt and response), their attention mask, and where responses begin."""
    encoded = tokenizer(
        [tok.chat(p) for p in prompts], add_special_tokens=False, padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        ids = model.generate(
            input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=TOKENS, do_sample=True,
            temperature=temperature, top_k=0, top_p=1.0, pad_token_id=tokenizer.pad_token_id,
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
    temperature: float = 1.0,
) -> None:
    """One step on the responses of a batch, drawn at `temperature`; the mean is over all their tokens."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits[:, start - 1 : -1]
    chosen = (logits / temperature).log_softmax(-1).gather(-1, ids[:, start:, None]).squeeze(-1)
    said = mask[:, start:]
    loss = -(chosen * gain[:, None] * said).sum() / said.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def answered(
    loaded: tuple[Any, Any], prompts: Sequence[Instruction], rewards: Rewards, temperature: float = 1.0
) -> GroupedRollouts:
    """A group of rewarded responses for each prompt."""
    model, tokenizer = loaded
    items = [item for item in prompts for _ in range(GROUP)]
    ids, mask, start = generate(model, tokenizer, [item.prompt for item in items], temperature)
    said = written(items, ids, start, tokenizer)
    lengths = mask[:, start:].sum(1).tolist()
    whole = zip(said, rewards(said), lengths, strict=True)
    return GroupedRollouts(ids, mask, start, [Written(w.item, w.text, w.finished, r, n) for w, r, n in whole])


def joined(parts: Sequence[GroupedRollouts], padding: int) -> GroupedRollouts:
    """GroupedRollouts of several draws in one batch: prompts are padded on the left, responses on the right."""
    before = max(part.start for part in parts)
    after = max(part.ids.shape[1] - part.start for part in parts)
    ids, masks = [], []
    for part in parts:
        sides = (before - part.start, after - (part.ids.shape[1] - part.start))
        ids.append(torch.nn.functional.pad(part.ids, sides, value=padding))
        masks.append(torch.nn.functional.pad(part.mask, sides, value=0))
    said = [response for part in parts for response in part.said]
    return GroupedRollouts(torch.cat(ids), torch.cat(masks), before, said)


def with_contrast(
    loaded: tuple[Any, Any],
    draw: Callable[[int], Sequence[Instruction]],
    rewards: Rewards,
    refill: int,
    prompts: int = PROMPTS,
    temperature: float = 1.0,
) -> tuple[GroupedRollouts, list[Written]]:
    """A step's batch and all that was drawn for it. As in veRL (`verif.training.verl.refill`): as many prompts are drawn
    again as have groups of equal rewards, `refill` times at most; what is equal after the last draw stays.
    """
    parts, drawn, wanted = [], list[Written](), prompts
    for again in range(refill, -1, -1):
        part = answered(loaded, draw(wanted), rewards, temperature)
        drawn += part.said
        groups = [str(row // GROUP) for row in range(len(part.said))]
        flat = without_contrast(groups, [w.reward for w in part.said], GROUP) if again else set()
        parts.append(part.of([row for row, group in enumerate(groups) if group not in flat]))
        wanted = len(flat)
        if not wanted:
            break
    return joined(parts, loaded[1].pad_token_id), drawn


def train(
    loaded: tuple[Any, Any],
    items: Sequence[Instruction],
    rewards: Rewards,
    seen: Seen,
    *,
    steps: int,
    seed: int,
    order: Iterator[Instruction] | None = None,
    refill: int = 0,
    prompts: int = PROMPTS,
    temperature: float = 1.0,
    rate: float = RATE,
    falling: bool = False,
) -> None:
    """Train the loaded policy in place; `seen` gets every step's responses with their rewards.

    Prompts come in their `order`; without one, those of a step are a sample of all. `falling`: the rate falls to nothing.
    """
    model, _ = loaded
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)

    def draw(count: int) -> list[Instruction]:
        return rng.sample(items, count) if order is None else list(islice(order, count))

    for step in range(1, steps + 1):
        if falling:
            optimizer.param_groups[0]["lr"] = rate * max(0.05, 1 - step / steps)
        batch, drawn = with_contrast(loaded, draw, rewards, refill, prompts, temperature)
        gain = advantages([w.reward for w in batch.said])
        update(model, optimizer, batch.ids, batch.mask, batch.start, gain, temperature)
        seen(step, drawn)
