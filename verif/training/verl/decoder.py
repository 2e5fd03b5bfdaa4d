"""Answers token by token over a cache of fixed size; on a GPU each token is one replay of a recorded graph.

`transformers.generate` starts every kernel of every layer anew for each token, so that a small model on a large GPU waits
for the processor. The cache is a buffer of the batch's full length, a 4-D mask says what of it can be seen, and
sampling stands outside the graph. On CPU the same steps run without a graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from verif.errors import SetupError

BLOCK = 64
"""Buffers are rounded up to this, so that few lengths and few graphs occur."""
KEPT = 2
"""Recorded shapes at most; an older one's buffers are freed."""
LOOK = 16
"""Tokens between two looks whether every answer has ended: each one waits for the GPU."""


@dataclass(frozen=True)
class Law:
    """How a token is drawn: temperature (0 is greedy), top_p, top_k (0 for none), and the most tokens of an answer."""

    temperature: float
    top_p: float
    top_k: int
    tokens: int


class FixedCache:
    """Keys and values of (layer, row, head, slot); a forward writes at `slots` and sees the whole buffer."""

    is_compileable = False

    def __init__(self, config: Any, rows: int, length: int, like: torch.Tensor) -> None:
        shape = (config.num_hidden_layers, rows, config.num_key_value_heads, length, head_size(config))
        self.keys, self.values = (torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(2))
        self.slots = torch.zeros(1, dtype=torch.long, device=like.device)

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What attention asks of a cache: keep these, give all."""
        self.keys[layer].index_copy_(2, self.slots, keys)
        self.values[layer].index_copy_(2, self.slots, values)
        return self.keys[layer], self.values[layer]

    def get_seq_length(self, *_: object) -> int:
        """Not used: positions are always given."""
        return 0


def check(config: Any) -> None:
    """`SetupError` for a model whose layers do not all see everything: one mask would be wrong for the others."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or not getattr(config, "num_key_value_heads", None):
        raise SetupError(
            f"rollout transformers on a GPU knows no model of type {config.model_type} (layers: {', '.join(sorted(kinds))}).",
            "Use train.rollout: vllm.",
        )


def row_bytes(config: Any, length: int, width: int) -> int:
    """Bytes of one row's cache of so many slots and `width` bytes a value."""
    values = 2 * config.num_hidden_layers * config.num_key_value_heads * head_size(config)
    return int(values * round_up(length) * width)


def head_size(config: Any) -> int:
    """Values of one head's key; models that do not say so divide their width evenly."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def round_up(length: int) -> int:
    """The next multiple of `BLOCK`."""
    return -(-length // BLOCK) * BLOCK


class Batch:
    """Buffers for so many rows of a prompt's and an answer's length, and the graph that was recorded over them."""

    def __init__(self, model: Any, rows: int, width: int, tokens: int) -> None:
        like = next(model.parameters())
        self.model, self.rows, self.width = model, rows, width
        length = round_up(width + tokens)
        self.cache = FixedCache(model.config, rows, length, like)
        self.seen = torch.zeros((rows, 1, 1, length), dtype=torch.bool, device=like.device)
        self.token = torch.zeros((rows, 1), dtype=torch.long, device=like.device)
        self.position = torch.zeros_like(self.token)
        self.slot = torch.zeros(1, dtype=torch.long, device=like.device)
        self.graph: Any = None
        self.logits = torch.empty(0)

    def read(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Read left-padded prompts (rows, width); the logits after the last token (rows, words)."""
        width, length = self.width, self.seen.shape[-1]
        self.cache.slots = torch.arange(width, device=ids.device)
        position = (mask.cumsum(1) - 1).clamp(min=0)
        causal = torch.ones((width, width), dtype=torch.bool, device=ids.device).tril()
        itself = torch.eye(
            width, dtype=torch.bool, device=ids.device
        )  # else padding would see nothing, and be NaN
        square = (causal & mask[:, None, None].bool()) | itself
        allowed = torch.nn.functional.pad(square, (0, length - width))
        logits: torch.Tensor = self.model(
            input_ids=ids, attention_mask=allowed, position_ids=position, past_key_values=self.cache,
            use_cache=True, logits_to_keep=1,
        ).logits[:, -1]  # fmt: skip
        self.seen.zero_()
        self.seen[:, 0, 0, :width] = mask.bool()
        self.position.copy_(position[:, -1:])
        self.slot.fill_(width - 1)  # in place: a graph reads the next token's slot at one address for ever
        self.cache.slots = self.slot
        return logits

    def step(self, token: torch.Tensor) -> torch.Tensor:
        """Add one token (rows) to each row; the logits after it."""
        self.token.copy_(token[:, None])
        self.position.add_(1)
        self.slot.add_(1)
        if token.device.type != "cuda":
            return self._forward()
        if self.graph is None:
            self._record()
        self.graph.replay()
        return self.logits

    def _forward(self) -> torch.Tensor:
        self.seen.index_fill_(3, self.slot, True)
        out = self.model(
            input_ids=self.token, attention_mask=self.seen, position_ids=self.position,
            past_key_values=self.cache, use_cache=True,
        )  # fmt: skip
        logits: torch.Tensor = out.logits[:, -1]
        return logits

    def _record(self) -> None:
        """Record a step. Running it writes the same values to the same slot each time, so doing so twice is harmless."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                self._forward()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.logits = self._forward()


class GraphDecoder:
    """Draws answers from a causal model of transformers; new weights loaded into the model are seen at once."""

    def __init__(self, model: Any, pad: int, end: int) -> None:
        check(model.config)
        self.model, self.pad, self.end = model, pad, end
        self.batches: dict[tuple[int, int, int], Batch] = {}

    @torch.inference_mode()
    def answer(self, prompts: Sequence[Sequence[int]], law: Law) -> list[tuple[list[int], list[float]]]:
        """Each prompt's answer up to its end token, with each token's log-probability at the law's temperature."""
        device = next(self.model.parameters()).device
        width = round_up(max(map(len, prompts)))
        rows = 1 << max(3, (len(prompts) - 1).bit_length())
        filled = [*prompts, *[prompts[0]] * (rows - len(prompts))]
        ids = torch.tensor([[self.pad] * (width - len(p)) + list(p) for p in filled], device=device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in filled], device=device)
        batch = self._batch(rows, width, law.tokens)
        made = torch.full((rows, law.tokens), self.end, device=device)
        logs = torch.zeros((rows, law.tokens), device=device)
        ended = torch.zeros(rows, dtype=torch.bool, device=device)
        logits = batch.read(ids, mask)
        for index in range(law.tokens):
            token, log = draw(logits, law)
            made[:, index], logs[:, index] = token, log
            ended |= token == self.end
            if index + 1 == law.tokens or (index % LOOK == LOOK - 1 and bool(ended[: len(prompts)].all())):
                break
            logits = batch.step(token)
        answers = []
        for row, log_row in zip(made[: len(prompts)].tolist(), logs[: len(prompts)].tolist(), strict=True):
            length = row.index(self.end) + 1 if self.end in row else len(row)
            answers.append((row[:length], log_row[:length]))
        return answers

    def _batch(self, rows: int, width: int, tokens: int) -> Batch:
        key = (rows, width, tokens)
        batch = self.batches.pop(key, None)
        if batch is None:
            while len(self.batches) >= KEPT:
                del self.batches[next(iter(self.batches))]
            batch = Batch(self.model, rows, width, tokens)
        self.batches[key] = batch  # the latest stands last
        return batch


def draw(logits: torch.Tensor, law: Law) -> tuple[torch.Tensor, torch.Tensor]:
    """A token of each row, and its log-probability at the temperature (before top_k and top_p, as training sees it)."""
    logs = torch.log_softmax(logits.float() / (law.temperature or 1.0), -1)
    token = torch.multinomial(_cut(logs, law).softmax(-1), 1)[:, 0] if law.temperature else logits.argmax(-1)
    return token, logs.gather(1, token[:, None])[:, 0]


def _cut(logs: torch.Tensor, law: Law) -> torch.Tensor:
    """Log-probabilities with what top_k and top_p leave out at minus infinity."""
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    ids: Any = None
    if law.top_k > 0:
        logs = TopKLogitsWarper(law.top_k)(ids, logs)
    if law.top_p < 1:
        logs = TopPLogitsWarper(law.top_p)(ids, logs)
    return logs
