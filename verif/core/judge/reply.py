"""The one place where a judge server's answer is read: typed here, so that nothing else touches what it sent.

The server is not trusted to speak the protocol. Everything that is no chat completion of one text raises `ValueError`,
whatever it is; what a verdict does not depend on (`usage`) is taken as 0 where it is nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

LAST_TOKENS = 512
"""Tokens whose log-probabilities are kept: the verdict stands at the end."""
MOST_TOKENS = 1_000_000_000
_CUT = ("length", "content_filter")
Logprob = Annotated[float, Field(le=0.001, allow_inf_nan=False)]
"""Rounding may leave a little above 0."""


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """What came back: the text after the request, its cost, and per-token log-probabilities if asked for."""

    text: str
    seconds: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    logprobs: tuple[dict[str, Any], ...] = field(default=(), repr=False)


class _Read(BaseModel):
    """Values are of their types, not like them; other fields are nobody's business."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Alternative(_Read):
    token: str = Field(max_length=256)
    logprob: Logprob


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = Field(None, max_length=256)


class _Logprobs(_Read):
    content: list[_Token] | None = None


class _Message(_Read):
    content: str | None
    refusal: str | None = None
    tool_calls: list[Any] | None = None


class _Choice(_Read):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Completion(_Read):
    choices: list[_Choice] = Field(min_length=1, max_length=1)
    id: Any = None
    usage: Any = None


def read(raw: bytes | bytearray, seconds: float) -> tuple[JudgeAnswer, str]:
    """A chat completion's text with its cost, and the id it answers to ("" if it names none); else `ValueError`."""
    try:
        completion = _Completion.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'][:6]))[:100]}: {first['msg'][:200]}") from None
    choice = completion.choices[0]
    if choice.message.tool_calls or choice.message.refusal:
        raise ValueError("a tool call or a refusal in the place of a text")
    text = choice.message.content or ""  # reasoning that did not end is an answer, though no verdict
    if choice.finish_reason in _CUT and text:
        text += " (cut off)"  # never a whole JSON object, so never a verdict
    usage = completion.usage if isinstance(completion.usage, dict) else {}
    tokens = (choice.logprobs.content or [] if choice.logprobs else [])[-LAST_TOKENS:]
    answer = JudgeAnswer(
        text,
        seconds,
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
        tuple(token.model_dump() for token in tokens),
    )
    return answer, completion.id if isinstance(completion.id, str) else ""


def _count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else 0
