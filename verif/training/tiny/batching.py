"""Texts as tokens, and batches of them: what is said, what is only read, and where what is read is broken language."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from verif.training.tiny import tokenizer as tok

UNSAID, BROKEN = -100, -101  # labels below 0 are of the prompt: what is said is not taken from it


class Text(NamedTuple):
    """A prompt with its response. From character `broken` of the prompt on, what it holds is broken language."""

    prompt: str
    response: str
    broken: int | None = None


class Example(NamedTuple):
    """A text as tokens: the first `start` are the prompt, and those from `broken` to it are broken language."""

    ids: list[int]
    start: int
    broken: int | None = None


Pair = tuple[str, str] | Text


def encode(tokenizer: Any, pairs: Sequence[Pair], context: int) -> list[Example]:
    """Texts as tokens; an empty prompt is plain text. What is longer than `context` is left out."""
    texts = [Text(*pair) for pair in pairs]
    asked = [tok.chat(t.prompt) if t.prompt else tok.PAD for t in texts]
    prompts = tokenizer(asked, add_special_tokens=False, return_offsets_mapping=True)
    answers = tokenizer([t.response + tok.END for t in texts], add_special_tokens=False).input_ids
    out = []
    for text, turn, ids, spans, said in zip(
        texts, asked, prompts.input_ids, prompts.offset_mapping, answers, strict=True
    ):
        if len(ids) + len(said) > context:
            continue
        broken = None
        if text.broken is not None:
            place = turn.index(text.prompt) + text.broken
            broken = next((n for n, (_, end) in enumerate(spans) if end > place), None)
        out.append(Example(ids + said, len(ids), broken))
    return out


def batches(
    data: Sequence[Example], size: int, rng: random.Random, pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Right-padded (ids, labels) of examples alike in length, in random order, for ever.

    Labels are the tokens of the response, and `UNSAID` elsewhere, or `BROKEN` where a prompt's language has broken.
    """
    while True:
        order = sorted(range(len(data)), key=lambda i: len(data[i].ids) + rng.random())
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        rng.shuffle(groups)
        for group in groups:
            width = max(len(data[i].ids) for i in group)
            ids = torch.full((len(group), width), pad)
            labels = torch.full((len(group), width), UNSAID)
            for row, (tokens, start, broken) in enumerate(data[i] for i in group):
                ids[row, : len(tokens)] = torch.tensor(tokens)
                labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
                if broken is not None:
                    labels[row, broken:start] = BROKEN
            yield ids, labels
