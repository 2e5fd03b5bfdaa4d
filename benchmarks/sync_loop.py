"""Reinforcement on the local world without veRL: a loop small enough to train a dozen policies while one waits.

It shares with the product what decides: pairs (`verif.training.pairs`), DPO's weights (`verif.training.dpo`) and the world's
truth as the reward. What it leaves out is everything around: a server, a judge, errors, the replacement of prompts without
contrast. So it compares schedules of syncing; it is no measurement of veRL.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from verif.data.world import truth
from verif.training.dpo import Sums, prefer
from verif.training.pairs import Worth, pick
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.inference import load
from verif.types import Instruction

PROMPTS, ROLLOUTS, TOKENS, BATCH = 16, 8, 104, 128
LEARNING_RATE, BETA, CLIP, GRADIENT = 1e-3, 0.15, 0.2, 1.0
"""The local recipe's, with veRL's clip of the ratio and of the gradient."""


@dataclass(frozen=True)
class Schedule:
    """What differs between trainings: `dpo` or `grpo`, the recipe's `sync_every`, and the constraints that are rewarded.

    `rewarded` is `rule` (hard ones alone), `soft`, or `all`.
    """

    algorithm: str
    every: int
    rewarded: str = "all"


@dataclass(frozen=True)
class Rollouts:
    """Token ids with left-padded prompts (rows, tokens), what is prompt or padding masked out of `response`."""

    ids: torch.Tensor
    attention: torch.Tensor
    response: torch.Tensor
    drawn: torch.Tensor
    rewards: list[float]


def kept(item: Instruction, text: str, kind: str) -> float:
    """1 if a response keeps all constraints of a kind (`rule` or `soft`), or of both (`all`); by the world's truth."""
    judged = zip(item.constraints, truth(item, text).constraints, strict=True)
    return float(all(ok for constraint, ok in judged if kind in (constraint.kind, "all")))


def train(
    policy: Path, items: Sequence[Instruction], arm: Schedule, seed: int, updates: int
) -> tuple[Any, Any]:
    """The model after so many updates, with its tokenizer.

    The prompts of an update depend on the seed alone: all arms of a seed see the same ones.
    """
    torch.set_num_threads(1)
    model, tokenizer = load(policy)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    every = arm.every or updates
    for first in range(0, updates, every):
        count = min(every, updates - first)
        asked = [rng.sample(list(items), PROMPTS) for _ in range(count)]
        drawn = [generate(model, tokenizer, prompts, arm.rewarded) for prompts in asked]
        for number, batch in enumerate(drawn):
            learn(model, optimizer, batch, arm.algorithm, f"{seed} {first + number}")
    return model.eval(), tokenizer


def generate(model: Any, tokenizer: Any, prompts: Sequence[Instruction], rewarded: str) -> Rollouts:
    """All rollouts of an update's prompts, with the reward of each and the generator's log-probabilities."""
    items = [item for item in prompts for _ in range(ROLLOUTS)]
    texts = [tok.chat(item.prompt) for item in items]
    encoded = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt")
    width, end = encoded.input_ids.shape[1], tokenizer.eos_token_id
    with torch.no_grad():
        ids = model.generate(
            input_ids=encoded.input_ids, attention_mask=encoded.attention_mask, max_new_tokens=TOKENS, do_sample=True,
            temperature=1.0, top_k=0, top_p=1.0, pad_token_id=tokenizer.pad_token_id, eos_token_id=end,
        )  # fmt: skip
        answers = ids[:, width:]
        ended = (answers == end).cumsum(-1)
        response = torch.zeros_like(ids)
        response[:, width:] = ((ended == 0) | ((ended == 1) & (answers == end))).long()
        attention = response.clone()
        attention[:, :width] = encoded.attention_mask
        said = tokenizer.batch_decode(answers, skip_special_tokens=True)
        rewards = [kept(item, text, rewarded) for item, text in zip(items, said, strict=True)]
        return Rollouts(ids, attention, response, log_probs(model, ids, attention), rewards)


def log_probs(model: Any, ids: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
    """Of each token after the first, (rows, tokens - 1)."""
    positions = (attention.cumsum(-1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=attention, position_ids=positions).logits[:, :-1]
    return logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]  # type: ignore[no-any-return]


def learn(model: Any, optimizer: Any, batch: Rollouts, algorithm: str, seed: str) -> None:
    """One update; none where no prompt has contrast."""
    groups = [range(at, at + ROLLOUTS) for at in range(0, len(batch.rewards), ROLLOUTS)]
    rows, weights = (paired if algorithm == "dpo" else grouped)(model, batch, groups, seed)
    if not rows:
        return
    mask = batch.response[rows, 1:]
    new = log_probs(model, batch.ids[rows], batch.attention[rows])
    old = new.detach() if algorithm == "dpo" else batch.drawn[rows]
    ratio = (new - old).clamp(-20, 20).exp()
    weight = torch.tensor(weights)[:, None]
    gained = torch.minimum(weight * ratio, weight * ratio.clamp(1 - CLIP, 1 + CLIP))
    loss = -(gained * mask).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT)
    optimizer.step()


def paired(model: Any, batch: Rollouts, groups: Sequence[range], seed: str) -> tuple[list[int], list[float]]:
    """DPO's rows and weights."""
    pairs = []
    for number, group in enumerate(groups):
        pair = pick([Worth(batch.rewards[row]) for row in group], "random", f"{seed} {number}")
        if pair:
            pairs.append((group[pair.chosen], group[pair.rejected]))
    rows = [row for pair in pairs for row in pair]
    if not rows:
        return [], []
    mask = batch.response[rows, 1:]
    with torch.no_grad():
        now = (log_probs(model, batch.ids[rows], batch.attention[rows]) * mask).sum(-1).tolist()
    then = (batch.drawn[rows] * mask).sum(-1).tolist()
    sums = [Sums(policy, reference) for policy, reference in zip(now, then, strict=True)]
    made = prefer(sums[::2], sums[1::2], BETA, int(mask.sum()))
    return rows, [sign * weight for weight in made.weights for sign in (1.0, -1.0)]


def grouped(
    _model: Any, batch: Rollouts, groups: Sequence[range], _seed: str
) -> tuple[list[int], list[float]]:
    """GRPO's rows and advantages; a group of equal rewards adds none, but its tokens count."""
    weights: list[float] = []
    for group in groups:
        rewards = torch.tensor([batch.rewards[row] for row in group])
        weights += ((rewards - rewards.mean()) / (rewards.std() + 1e-6)).tolist()
    return list(range(len(weights))), weights
