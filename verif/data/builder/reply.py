"""The strict reading of a model's reply: one JSON object of a schema, and nothing else.

As with verdicts (`verif.core.judge.verdict`): what stands before the end of a reasoning does not count, and nothing is
guessed. A reply of another form is asked for once more with the next seed; then its pair or constraint is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verif.core.judge.judge import SEEDS
from verif.core.judge.verdict import END
from verif.data.builder.calls import Caller
from verif.recipe import BuildModel

LONGEST_TEXT, LONGEST_CODE, LONGEST_CASE = 400, 8_000, 4_000
"""Characters of a constraint, a checker and a case."""


class Reply(BaseModel):
    """Base of the replies: of the right types, not like them; unknown fields are an error."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Proposal(Reply):
    """A constraint that an answer keeps. `code`: a program could decide it."""

    dimension: str = Field(max_length=80)
    text: str = Field(min_length=4, max_length=LONGEST_TEXT)
    code: bool


class Proposals(Reply):
    """The reply of the back-translation."""

    constraints: list[Proposal] = Field(max_length=50)


class KeptReply(Reply):
    """The reply of the check, in the order of the constraints."""

    kept: list[bool] = Field(max_length=50)


class WrittenCase(Reply):
    """A text that a writer made up, and what it says of it."""

    text: str = Field(max_length=LONGEST_CASE)
    follows: bool


class WrittenChecker(Reply):
    """The reply of a writer."""

    code: str = Field(min_length=1, max_length=LONGEST_CODE)
    cases: list[WrittenCase] = Field(max_length=50)


R = TypeVar("R", bound=Reply)


class UnreadableError(Exception):
    """No reply was of the schema; the message says what was wrong with the last one."""


def schema(form: type[Reply]) -> dict[str, Any]:
    """The JSON schema that an end point is asked for: the form without the lengths of its strings, which `read` holds.

    A grammar engine (xgrammar 0.2, which vLLM uses) lets a string of bounded length hold no escape: a function in it
    could have neither a second line nor a quotation mark.
    """
    return _unbounded(form.model_json_schema())  # type: ignore[no-any-return]


def _unbounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unbounded(v) for key, v in value.items() if key not in ("minLength", "maxLength")}
    return [_unbounded(v) for v in value] if isinstance(value, list) else value


async def asked(
    caller: Caller, step: str, model: BuildModel, messages: Sequence[dict[str, str]], form: type[R]
) -> R:
    """The reply in its form; `UnreadableError` where none was, whatever the caller raises where there was none."""
    why = ""
    for seed in SEEDS:
        text = await caller.ask(step, model, messages, schema(form), seed)
        try:
            return read(text, form)
        except ValueError as error:
            why = str(error)
    raise UnreadableError(why)


def read(text: str, form: type[R]) -> R:
    """The one JSON object after the reasoning; `ValueError` for everything else."""
    segments = text.split(END)
    if len(segments) > 2 or (len(segments) == 1 and "<think>" in text):
        raise ValueError("the reasoning did not end, or more than once")
    try:
        value = json.loads(segments[-1].strip(), object_pairs_hook=_unique)
        return form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))[:100]}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON object ({str(error)[:100]}): {segments[-1].strip()[:80]!r}") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
