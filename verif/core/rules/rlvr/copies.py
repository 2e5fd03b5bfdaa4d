"""`copy:*` and `new:*` of IF-RLVR: requests, spans and phrases that must be given back."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from verif.core.rules.expressions import bounded, compiled
from verif.core.rules.params import Count, Ordinal, Phrase, Verbatim
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc


def _ends(phrase: str) -> str:
    """Upstream reads the first and the last word of the phrase as regular expressions."""
    words = phrase.split()
    if len(words) < 2:
        raise ValueError("needs a first and a last word")
    bounded([f"{words[0]} "])
    bounded([f" {words[-1]}"])
    return phrase


class Request(Params):
    """The request that must be repeated."""

    prompt_to_repeat: Verbatim


class Times(Request):
    """A request and how often it must be repeated."""

    N: Ordinal


class Span(Request):
    """A request, and the first character of a span and the one behind its last, from 0."""

    n_start: Count
    n_end: Count

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if not self.prompt_to_repeat[self.n_start : self.n_end].strip():
            raise ValueError(f"no character of the request is between {self.n_start} and {self.n_end}")
        return self


class Phrases(Params):
    """A phrase and how often it must occur."""

    phrase: Annotated[Phrase, AfterValidator(_ends)]
    small_n: Ordinal


def _same(given: str, asked: str) -> bool:
    return given.strip().lower() == asked.strip().lower()


def _copied(doc: Doc, params: Request) -> Outcome:
    ok = _same(doc.text, params.prompt_to_repeat)
    return Outcome(ok, "the request alone" if ok else "another text")


@rule(
    "copy:copy", Request,
    asks="Copy this text and do nothing else: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Name three ports."}, "name three ports.", "Name three ports. Oslo"),
)  # fmt: skip
def copy(doc: Doc, params: Request) -> Outcome:
    """The response is the request and nothing else, in any case, blanks around it aside."""
    return _copied(doc, params)


@rule(
    "copy:copying_simple", Request,
    asks="Repeat this request without a change and do not answer it: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Name three ports."}, "Name three ports.", "Sure: Name three ports."),
)  # fmt: skip
def copying_simple(doc: Doc, params: Request) -> Outcome:
    """As `copy:copy`."""
    return _copied(doc, params)


@rule(
    "copy:copying_multiple", Times,
    asks="Repeat this request {N} times, separated by six asterisks, and do not answer it: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Name a port.", "N": 2}, "Name a port.\n******\nName a port.", "Name a port."),
)  # fmt: skip
def copying_multiple(doc: Doc, params: Times) -> Outcome:
    """So many pieces between `******`, each the request, in any case, blanks around it aside."""
    pieces = doc.text.split("******")
    ok = len(pieces) == params.N and all(_same(piece, params.prompt_to_repeat) for piece in pieces)
    return Outcome(ok, f"{len(pieces)} pieces, {params.N} times the request asked", {"pieces": len(pieces)})


@rule(
    "new:copy_span_idx", Span,
    asks="Copy characters {n_start} to {n_end} (the first is 0, the last is left out) of this text: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Name three ports.", "n_start": 5, "n_end": 10}, "three", "three ports"),
)  # fmt: skip
def copy_span_idx(doc: Doc, params: Span) -> Outcome:
    """The response is those characters of the request, in any case, blanks around them aside."""
    span = params.prompt_to_repeat[params.n_start : params.n_end]
    ok = _same(doc.text, span)
    return Outcome(ok, "the span" if ok else f"not {span.strip()[:60]!r}")


@rule(
    "copy:repeat_phrase", Phrases,
    asks='Give the phrase "{phrase}" exactly {small_n} times, each time with one of its inner words replaced.',
    example=(
        {"phrase": "the old mill turns", "small_n": 2}, "the new mill turns, the old wheel turns",
        "the new mill turns, the new wheel turns",
    ),
)  # fmt: skip
def repeat_phrase(doc: Doc, params: Phrases) -> Outcome:
    """Runs from its first to its last word within a line: so many, each as long, with one other word at most.

    As upstream, only the last of them must differ, and not in its middle in particular.
    """
    asked = params.phrase.split()
    runs = [run.split() for run in _runs(doc.text, asked[0], asked[-1])]
    if len(runs) != params.small_n:
        return Outcome(False, f"{len(runs)} phrases, {params.small_n} asked", {"phrases": len(runs)})
    changes = [
        sum(a != b for a, b in zip(run, asked, strict=True)) if len(run) == len(asked) else -1 for run in runs
    ]
    ok = all(0 <= change <= 1 for change in changes) and changes[-1] == 1
    return Outcome(ok, f"words changed in each phrase (-1: another length): {changes[:20]}")


def _runs(text: str, first: str, last: str) -> list[str]:
    """The shortest runs from `first` and a blank to a blank and `last`, one after the other, within lines."""
    begins, ends = compiled(f"{first} ", False), compiled(f" {last}", False)
    out = []
    for line in text.split("\n"):
        at = 0
        while (begin := begins.search(line, at)) and (end := ends.search(line, begin.end())):
            out.append(line[begin.start() : end.end()])
            at = end.end()
    return out
