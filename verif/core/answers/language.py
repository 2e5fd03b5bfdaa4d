"""A small language model that says in one token whether two answers are the same; it cannot be talked to at length.

It is discriminative by its use: one token, of which only the probabilities of yes and no are read. Question, reference
and final answer stand in the prompt of `prompts/same-en.j2`, the answer behind a marker that nobody can guess.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.core.answers.hybrid import Likeness, Pair
from verif.core.deciding import code_digest
from verif.core.judge.client import JudgeClient
from verif.core.judge.judge import SECRET_VARIABLE
from verif.core.judge.prompt import USER, harmless
from verif.core.judge.reply import JudgeAnswer
from verif.errors import JudgeError
from verif.system.files import digest
from verif.types import Cost

if TYPE_CHECKING:
    from jinja2 import Template

FILE = Path(__file__).parent / "prompts" / "same-en.j2"
PARAMETERS: dict[str, Any] = {"temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
LONGEST_QUESTION = 8_000
"""Characters of a question that the model is shown; its end says what is asked."""
LEAST = 0.2
"""Of the probability must lie on yes and no together; with less the model said something else."""


def language_part(model_digest: str) -> str:
    """The identity of the model with its prompt."""
    secret = digest(["marker", os.environ.get(SECRET_VARIABLE, "")])
    content = [code_digest("judge"), model_digest, digest(FILE.read_text("utf-8")), PARAMETERS, secret]
    return f"language:{digest(content)}"


class LanguageModel:
    """Asks the served model about a pair. Raises `JudgeError` for whatever is no yes or no."""

    def __init__(self, urls: Sequence[str], model_digest: str, deadline_s: float, key_variable: str) -> None:
        self.part = language_part(model_digest)
        self.client = JudgeClient(
            urls, "judge", parameters=PARAMETERS, deadline_s=deadline_s, key_variable=key_variable
        )
        secret = os.environ.get(SECRET_VARIABLE, "")
        self._key = hmac.new(secret.encode(), self.part.encode(), hashlib.sha256).digest()

    async def likeness(self, pair: Pair) -> Likeness:
        """The probability of yes against no in the one token."""
        reply = await self.client.judge(self.messages(pair))
        cost = Cost(
            seconds=reply.seconds,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )
        return Likeness(yes_or_no(reply), cost)

    def messages(self, pair: Pair) -> list[dict[str, str]]:
        """The prompt; the same for the same pair."""
        content = digest([pair.question, pair.reference, pair.answer])
        return messages(pair, hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()[:8])

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


def messages(pair: Pair, marker: str) -> list[dict[str, str]]:
    """The system and the user turn about a pair, its answer between two lines that carry the marker."""
    values = {
        "question": harmless(pair.question[-LONGEST_QUESTION:]),
        "reference": harmless(pair.reference),
        "answer": harmless(pair.answer),
        "marker": marker,
    }
    return [{"role": role, "content": turn.render(values)} for role, turn in _turns()]


def yes_or_no(reply: JudgeAnswer) -> float:
    """The share of yes in the first token; `JudgeError` without log-probabilities, or where neither word is likely."""
    if not reply.logprobs:
        raise JudgeError("the answers' model sent no log-probabilities.", "Serve it with them (vLLM does).")
    weight = {"yes": 0.0, "no": 0.0}
    token = reply.logprobs[0]
    for choice in token.get("top_logprobs") or [token]:
        word = str(choice.get("token", "")).strip(" \n\t\"'.▁Ġ").lower()
        if word in weight:
            weight[word] += math.exp(float(choice.get("logprob", -math.inf)))
    total = sum(weight.values())
    if total < LEAST:
        raise JudgeError(f"the answers' model said neither yes nor no: {reply.text[:60]!r}.")
    return weight["yes"] / total


@cache
def _turns() -> tuple[tuple[str, Template], ...]:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text for a model
    system, _, user = FILE.read_text("utf-8").partition(f"{USER}\n")
    return tuple(
        (role, environment.from_string(text.strip())) for role, text in (("system", system), ("user", user))
    )
