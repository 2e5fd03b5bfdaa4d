"""`combination:*`: two answers, and the request repeated first."""

from __future__ import annotations

import re

from verif.core.rules import forgiving
from verif.core.rules.params import Request
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_BLANKS = re.compile(r"\s+")


class Repeat(Params):
    """The request that must be repeated."""

    prompt_to_repeat: Request


@rule(
    "combination:two_responses",
    asks="Give two different answers, separated by ******",
    example=({}, "Bread\n******\nSalt", "Bread\n******\nBread"),
)
def two_responses(doc: Doc, _: Params) -> Outcome:
    """Two different answers separated by `******`; a blank piece is forgiven only at either end."""
    pieces = [piece.strip() for piece in doc.text.split("******")]
    if not all(pieces[1:-1]):
        return Outcome(False, "an empty answer between separators", {})
    return _different([piece for piece in pieces if piece])


@rule(
    "combination:two_responses_fixed",
    version=2,
    asks="Give two different answers, separated by ******",
    example=({}, "Bread\n* * * * * *\nSalt", "Bread\n******\nbread"),
)
def two_responses_fixed(doc: Doc, _: Params) -> Outcome:
    """The separator is six asterisks, no more (spaces between them forgiven); case and blanks make no difference."""
    pieces = re.split(r"(?<!\*)\*(?:[^\S\r\n]?\*){5}(?![^\S\r\n]?\*)", doc.text)
    return _different([bare for piece in pieces if (bare := _BLANKS.sub(" ", piece).strip().lower())])


def _different(answers: list[str]) -> Outcome:
    ok = len(answers) == 2 and answers[0] != answers[1]
    reason = (
        "two different answers"
        if ok
        else f"{len(answers)} answers" + (", the same" if len(answers) == 2 else "")
    )
    return Outcome(ok, reason, {"answers": len(answers)})


@rule(
    "combination:repeat_prompt",
    Repeat,
    asks="Repeat this request first, then answer it: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Say hi."}, "say hi. Hi!", "Hi! Say hi."),
)
def repeat_prompt(doc: Doc, params: Repeat) -> Outcome:
    """The response starts with the request, in any case."""
    ok = doc.text.strip().lower().startswith(params.prompt_to_repeat.lower())
    return Outcome(ok, "starts with the request" if ok else "does not start with the request", {})


@rule(
    "combination:repeat_prompt_fixed",
    Repeat,
    version=2,
    asks="Repeat this request first, then answer it: {prompt_to_repeat}",
    example=({"prompt_to_repeat": "Say hi."}, '"Say\nhi." Hi!', "Say hi."),
)
def repeat_prompt_fixed(doc: Doc, params: Repeat) -> Outcome:
    """White space may differ, quotation marks may stand around the request, and an answer must follow it."""
    text = forgiving.even(doc.text).lstrip("\"'“‘«` ")
    request = forgiving.even(params.prompt_to_repeat).strip("\"'“”‘’«»` ")
    repeated = text.startswith(request)
    answered = any(map(str.isalnum, text[len(request) :]))
    reason = ("repeated, " if repeated else "not repeated, ") + (
        "answered" if answered else "without an answer"
    )
    return Outcome(repeated and answered, reason, {})
