"""How likely a model finds answers to prompts: each answer in its chat, token by token, in the precision that is fast here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from verif.system.processor import precision, threads
from verif.training.tiny.inference import computing, load

Messages = Sequence[dict[str, str]]
BATCH = 8
"""Answers at a time: their logits over a large vocabulary are what takes memory."""


def answer_likelihood(folder: Path, asked: Sequence[tuple[Messages, str]], batch: int = BATCH) -> list[float]:
    """Mean log-likelihood per token (nats, at most 0) of each answer behind its messages; 0 for an answer without a token.

    What does not fit into the model's context is cut off at its end.
    """
    torch.set_num_threads(threads(folder))
    model, tokenizer = load(folder)
    longest = int(model.config.max_position_embeddings)
    rows = [_tokens(tokenizer, messages, answer, longest) for messages, answer in asked]
    out = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda place: len(rows[place][0]))
    with torch.no_grad(), computing(precision(folder) == "bfloat16"):
        for low in range(0, len(order), batch):
            places = [place for place in order[low : low + batch] if rows[place][1] < len(rows[place][0])]
            if places:
                for place, value in zip(
                    places, _means(model, [rows[place] for place in places]), strict=True
                ):
                    out[place] = value
    return out


def _tokens(tokenizer: Any, messages: Messages, answer: str, longest: int) -> tuple[list[int], int]:
    """Prompt and answer as token ids, and where the answer begins."""
    prompt = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    asked = tokenizer(prompt, add_special_tokens=False).input_ids
    said = tokenizer(answer, add_special_tokens=False).input_ids
    return (asked + said)[:longest], len(asked)


def _means(model: Any, rows: Sequence[tuple[list[int], int]]) -> list[float]:
    """Mean log-likelihood of each row's tokens from its start on; the head is applied to those alone."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    said = torch.zeros((len(rows), width), dtype=torch.bool)
    for number, (tokens, start) in enumerate(rows):
        ids[number, : len(tokens)] = torch.tensor(tokens)
        said[number, start : len(tokens)] = True
    keep = said[:, 1:]
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1][keep]
    losses = F.cross_entropy(model.lm_head(hidden).float(), ids[:, 1:][keep], reduction="none")
    means, begun = list[float](), 0
    for count in keep.sum(1).tolist():
        means.append(-float(losses[begun : begun + count].mean()))
        begun += count
    return means
