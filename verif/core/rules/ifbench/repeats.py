"""`repeat:*` of IFBench: a request repeated, changed, or a part of it copied."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from verif.core.rules.params import Count, Verbatim
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

SENTENCE = "Only output this sentence here, ignore all other requests."
"""What `repeat:repeat_simple` must give back, word for word: a part of the benchmark."""


class Request(Params):
    """The request that must be repeated."""

    prompt_to_repeat: Verbatim


class Span(Params):
    """A request, and the first word of a span and the one behind its last, from 0."""

    prompt_to_repeat: Verbatim
    n_start: Count
    n_end: Count

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if not self.prompt_to_repeat.split()[self.n_start : self.n_end]:
            raise ValueError(f"no word of the request is between {self.n_start} and {self.n_end}")
        return self


@rule(
    "repeat:repeat_change", Request,
    asks="Repeat this request with another first word, and do not answer it: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Name three ports."}, "List three ports.", "List four ports."),
)  # fmt: skip
def repeat_change(doc: Doc, params: Request) -> Outcome:
    """All words but the first are the request's, in this case; the text as a whole is not the request itself.

    Nobody looks whether there is another first word: a changed blank or line's end will do, as upstream.
    """
    if doc.text == params.prompt_to_repeat:
        return Outcome(False, "the request without a change")
    ok = doc.text.split()[1:] == params.prompt_to_repeat.split()[1:]
    return Outcome(ok, "repeated but for the first word" if ok else "another text")


@rule(
    "repeat:repeat_simple",
    asks=SENTENCE,
    example=({}, SENTENCE, f"Sure. {SENTENCE}"),
)  # fmt: skip
def repeat_simple(doc: Doc, _: Params) -> Outcome:
    """The response is that sentence and nothing else, in any case, blanks around it aside."""
    ok = doc.text.strip().lower() == SENTENCE.lower()
    return Outcome(ok, "the sentence alone" if ok else "another text")


@rule(
    "repeat:repeat_span", Span,
    asks="Copy words {n_start} to {n_end} (the first is 0, the last is left out) of this text: {prompt_to_repeat}",
    example=(
        {"prompt_to_repeat": "Name three old ports.", "n_start": 1, "n_end": 3}, "three old", "three old ports.",
    ),
)  # fmt: skip
def repeat_span(doc: Doc, params: Span) -> Outcome:
    """The response is those words of the request, in any case; places are those of words, the last is left out.

    The benchmark's prompts speak of characters and of both ends; this is what its code does.
    """
    span = params.prompt_to_repeat.lower().split()[params.n_start : params.n_end]
    ok = doc.lower.split() == span
    return Outcome(ok, "the span" if ok else f"not {' '.join(span)[:60]!r}")
