"""From a response to the answer that is judged: reasoning is dropped, what cannot be judged is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verif.types import Response

OPEN, END = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Answer:
    """The text to judge. `hopeless`: why nothing can be decided; `unjudgeable`: why no judge may be asked.

    A truncated answer is still decided by code (it is what the policy produced), but a judge would judge a
    fragment. Both are the policy's fault, never ours.
    """

    text: str
    hopeless: str = ""
    unjudgeable: str = ""


def answer_of(response: Response, *, policy_thinks: bool = False) -> Answer:
    """What stands after the one `</think>`; a second one would hide text, an unfinished one has no answer."""
    whole = response.text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate fits into no JSON
    before, found, text = whole.partition(END)
    if not found:
        text = whole
        if text.lstrip().startswith(OPEN) or policy_thinks:
            return Answer(
                "", "the response did not finish its reasoning", "the response did not finish its reasoning"
            )
    elif END in text or OPEN in text:
        return Answer(
            "",
            "the response has more than one reasoning block",
            "the response has more than one reasoning block",
        )
    elif before:
        text = text.lstrip("\n")
    if not text.strip():
        return Answer("", "the response is empty", "the response is empty")
    return Answer(text, "", "" if response.finished else "the response was cut off")


def as_sent(text: str, policy_thinks: bool) -> Response:
    """A made-up answer as the policy would have sent it: one that thinks ends its reasoning first.

    A text that ends a reasoning block of its own is taken as it is.
    """
    return Response(text=f"\n{END}\n\n{text}" if policy_thinks and END not in text else text)


def scrub(value: Any) -> Any:
    """Any JSON-like value with lone surrogates, which fit into no JSON, replaced by `?`."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {scrub(key): scrub(inner) for key, inner in value.items()}
    return [scrub(inner) for inner in value] if isinstance(value, list | tuple) else value
