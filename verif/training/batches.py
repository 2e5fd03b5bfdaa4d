"""Texts as token ids with the labels a tiny model learns from, in padded batches."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from verif.training import tokenizer as tok

IGNORE = -100


@dataclass(frozen=True, slots=True)
class Span:
    """Where in a prompt the judged text stands (characters) and where its language breaks (`slip`, -1: nowhere)."""

    start: int
    end: int
    slip: int


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids, how many of them are the prompt, and, per token, whether the judged text breaks there.

    `breaks` is 0 up to the break, 1 at it, `IGNORE` after it and outside the text; empty without a `Span`.
    """

    ids: list[int]
    prompt: int
    breaks: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded tensors (rows, width); `labels` and `breaks` are `IGNORE` where nothing is learnt."""

    ids: torch.Tensor
    labels: torch.Tensor
    breaks: torch.Tensor


def _breaks(offsets: Sequence[tuple[int, int]], span: Span, shift: int) -> list[int]:
    """Labels per prompt token; `offsets` are character spans in the chat text, `shift` where the prompt starts in it."""
    out, broken = [], False
    slip = span.slip + span.start if span.slip >= 0 else -1
    for low, high in offsets:
        low, high = low - shift, high - shift
        if broken or high <= span.start or low >= span.end + (slip == span.end):
            out.append(IGNORE)
            continue
        broken = slip >= 0 and high > slip
        out.append(int(broken))
    return out


def encode(
    tokenizer: Any, pairs: Sequence[tuple[str, str]], context: int, spans: Sequence[Span] = ()
) -> list[Example]:
    """(prompt, response) as examples; an empty prompt is plain text. What is longer than `context` is left out."""
    chats = [tok.chat(p) if p else tok.PAD for p, _ in pairs]
    read = tokenizer(chats, add_special_tokens=False, return_offsets_mapping=bool(spans))
    said = tokenizer([r + tok.END for _, r in pairs], add_special_tokens=False).input_ids
    out = []
    for i, (p, a) in enumerate(zip(read.input_ids, said, strict=True)):
        if len(p) + len(a) <= context:
            breaks = _breaks(read["offset_mapping"][i], spans[i], len(tok.OPEN)) if spans else []
            out.append(Example(p + a, len(p), breaks))
    return out


def batches(data: Sequence[Example], size: int, rng: random.Random, pad: int) -> Iterator[Batch]:
    """Batches of examples alike in length, in random order, for ever."""
    while True:
        order = sorted(range(len(data)), key=lambda i: len(data[i].ids) + rng.random())
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        rng.shuffle(groups)
        for group in groups:
            rows = [data[i] for i in group]
            width = max(len(row.ids) for row in rows)
            filled = [row.ids + [pad] * (width - len(row.ids)) for row in rows]
            labels = [
                [IGNORE] * row.prompt + row.ids[row.prompt :] + [IGNORE] * (width - len(row.ids))
                for row in rows
            ]
            breaks = [row.breaks + [IGNORE] * (width - len(row.breaks)) for row in rows]
            yield Batch(torch.tensor(filled), torch.tensor(labels), torch.tensor(breaks))
