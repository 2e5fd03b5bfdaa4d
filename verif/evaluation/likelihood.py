"""How likely plain texts are to a served model: what `text_likelihood` measures with transformers, asked of vLLM.

For models that are served on GPUs anyway: loaded in fp32 on one CPU thread, 8 to 32 billion parameters take hours or do
not fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from verif.errors import ServiceError

CONCURRENCY = 16
TIMEOUT_S = 600.0


def token_rows(folder: Path, texts: Sequence[str], context: int) -> list[list[int]]:
    """Each text's tokens behind the model's document separator, as far as the context reaches (one token is answered)."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    candidates = (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id)
    separator = next(i for i in candidates if i is not None)
    encoded = tokenizer(list(texts), add_special_tokens=False).input_ids
    return [[separator, *ids][: context - 1] for ids in encoded]


def served_likelihood(url: str, rows: Sequence[Sequence[int]], model: str = "model") -> list[float]:
    """Mean log-likelihood per token (nats) of each row behind its first token. Raises `ServiceError`."""
    return asyncio.run(_all(url, rows, model))


async def _all(url: str, rows: Sequence[Sequence[int]], model: str) -> list[float]:
    import aiohttp

    gate, timeout = asyncio.Semaphore(CONCURRENCY), aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def row_mean(row: Sequence[int]) -> float:
            if len(row) < 2:
                return 0.0
            body = {
                "model": model,
                "prompt": list(row),
                "max_tokens": 1,
                "temperature": 0,
                "prompt_logprobs": 0,
            }
            async with gate, session.post(f"{url}/completions", json=body) as answer:
                text = await answer.text()
                if answer.status != 200:
                    raise ServiceError(f"the model server at {url}: status {answer.status}: {text[:300]}")
                return mean(orjson.loads(text), row)

        try:
            return list(await asyncio.gather(*(row_mean(row) for row in rows)))
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
            raise ServiceError(
                f"the model server at {url} gave no likelihoods: {type(error).__name__}: {error}."
            ) from None


def mean(reply: dict[str, Any], row: Sequence[int]) -> float:
    """Of vLLM's answer: for each place of the prompt, None at the first, token id to its log-probability."""
    places = reply["choices"][0]["prompt_logprobs"]
    if len(places) != len(row):
        raise ValueError(f"{len(places)} places for {len(row)} tokens")
    return sum(
        float(place[str(token)]["logprob"]) for place, token in zip(places[1:], row[1:], strict=True)
    ) / (len(row) - 1)
