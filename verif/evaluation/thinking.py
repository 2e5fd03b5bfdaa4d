"""lm-eval's client for a policy that reasons before it answers: what a task looks at is the answer alone.

A task's prompt goes through the policy's own chat template. A task's stop strings and its number of tokens are meant for
an answer, and a reasoning holds nearly each of them: so the reasoning has tokens of its own, nothing stops it, and the stop
strings cut the answer afterwards, as the server would have. A reasoning that does not end has no answer: the empty text,
which every task counts as wrong; `unfinished` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lm_eval.models.openai_completions import LocalChatCompletion

from verif.core.answer import answer_of
from verif.types import Reasoning, Response

LIKELIHOODS = ("loglikelihood", "loglikelihood_rolling", "multiple_choice")
"""lm-eval's output types that ask how likely given words are: right after the prompt, where such a policy reasons."""


class ThinkingPolicy(LocalChatCompletion):  # type: ignore[misc, unused-ignore]
    """The policy served at `url` as `model`, its tokenizer in `folder`, with `reasoning_tokens` before an answer."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        reasoning: Reasoning,
        reasoning_tokens: int,
        answer_tokens: int,
        context: int,
        timeout_s: float,
    ) -> None:
        super().__init__(
            model="model", base_url=f"{url}/chat/completions", tokenizer=str(folder),
            tokenizer_backend="huggingface", tokenized_requests=False, num_concurrent=16, max_retries=2,
            max_gen_toks=answer_tokens, timeout=int(timeout_s),
        )  # fmt: skip
        self.reasoning: Reasoning = reasoning
        self.reasoning_tokens, self.context, self.unfinished = reasoning_tokens, context, 0

    def _create_payload(self, messages: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The request of one prompt; what the context has no room for is not asked for."""
        payload: dict[str, Any] = super()._create_payload(messages, *args, **kwargs)
        del payload["stop"]
        prompt = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        room = self.context - len(self.tokenizer(prompt, add_special_tokens=False).input_ids)
        payload["max_tokens"] = max(1, min(payload["max_tokens"] + self.reasoning_tokens, room))
        return payload

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """The answers, in the order of the requests, without what led to them."""
        texts = super().generate_until(requests, disable_tqdm=disable_tqdm)
        return [
            self._answer(text, request.args[1].get("until") or [])
            for request, text in zip(requests, texts, strict=True)
        ]

    def _answer(self, text: str, stops: str | Sequence[str]) -> str:
        answer = answer_of(Response(text=text), self.reasoning)
        self.unfinished += bool(answer.hopeless)
        kept = answer.text
        for stop in [stops] if isinstance(stops, str) else stops:
            kept = kept.partition(stop)[0] if stop else kept
        return kept


def likelihoods(index: dict[str, Any], name: str) -> list[str]:
    """The tasks at or below a name of lm-eval's index that ask for likelihoods."""
    entry = index.get(name)
    config: dict[str, Any] = (entry.cfg if entry is not None else None) or {}
    below = config.get("task")
    if isinstance(below, list):
        names = [
            child if isinstance(child, str) else child.get("task") or child.get("group") for child in below
        ]
        return [task for child in names if isinstance(child, str) for task in likelihoods(index, child)]
    tagged = [key for key, other in index.items() if name in other.tags and key != name] if not config else []
    own = [name] if config.get("output_type") in LIKELIHOODS else []
    return own + [task for key in tagged for task in likelihoods(index, key)]
