"""From a response to the answer that is judged: reasoning is dropped, what cannot be judged is named."""

from __future__ import annotations

from typing import Any, NamedTuple

from verif.core.reasoning import cut, markup, plain, sent
from verif.types import Reasoning, Response

EMPTY = "the response is empty"
CUT_OFF = "the response was cut off"


class Answer(NamedTuple):
    """The text to judge. `hopeless`: why nothing can be decided; `unjudgeable`: why no judge may be asked.

    A truncated answer is still decided by code (it is what the policy produced), but a judge would judge a
    fragment. Both are the policy's fault, never ours. `taken` is the format of what was left out as reasoning, and
    `markup` what the text still holds that looks like such a mark.
    """

    text: str
    hopeless: str = ""
    unjudgeable: str = ""
    taken: str = ""
    markup: str = ""

    @property
    def note(self) -> str:
        """What a reader must know of the cut: "reasoning: think", "unknown markup: <thought>", both or ""."""
        if not self.taken and not self.markup:
            return ""
        parts = ("reasoning", self.taken), ("unknown markup", self.markup)
        return ", ".join(f"{name}: {value}" for name, value in parts if value)


def answer_of(response: Response, reasoning: Reasoning = "auto") -> Answer:
    """What is judged of a response, by the format that its policy reasons in."""
    whole = response.text
    if not whole.isascii():
        whole = readable(whole)
    if reasoning == "auto" and plain(whole) and not whole.isspace() and whole:
        return Answer(whole, "", "" if response.finished else CUT_OFF)
    part = cut(whole, reasoning)
    problem = part.problem or ("" if part.text.strip() else EMPTY)
    if problem:
        return Answer("", problem, problem, part.taken)
    return Answer(part.text, "", "" if response.finished else CUT_OFF, part.taken, markup(part.text))


def as_sent(text: str, reasoning: Reasoning) -> Response:
    """A made-up answer as the policy would have sent it: one that thinks ends its reasoning first."""
    return Response(text=sent(text, reasoning))


def readable(text: str) -> str:
    """Text with lone surrogates, which fit into no JSON, replaced by `?`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def scrub(value: Any) -> Any:
    """Any JSON-like value with lone surrogates, which fit into no JSON, replaced by `?`."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {scrub(key): scrub(inner) for key, inner in value.items()}
    return [scrub(inner) for inner in value] if isinstance(value, list | tuple) else value
