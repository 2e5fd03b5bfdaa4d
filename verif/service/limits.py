"""What the service accepts: sizes that a request may not pass, checked before any work is done.

They bound what one admitted request can cost. Parsing holds the interpreter for as long as it lasts, so that the
number of values in a body is bounded as well as its bytes (`verif.service.scan`): 16 MB of `{}` would be half a
gigabyte of objects.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from verif.types import Item

MAX_BODY = 16 << 20
"""Bytes of a request; a service may be configured with another bound (`max_body`)."""
MAX_READING = 64 << 20
"""Bytes of all bodies that are being read at once, by declared lengths; small ones have as much of their own."""
BODY_S = 60.0
"""For sending a body, whatever its size."""
STALLED_S = 5.0
"""A body that sends nothing for so long is refused."""
SLOW_S, SLOW_RATE = 1.0, 64 << 10
"""After so many seconds, a body of fewer bytes per second gives way as soon as somebody else needs its place."""
MAX_VALUES = 200_000
"""Values in a body: objects, lists and what stands between their commas."""
MAX_ITEMS = 1024
MAX_TEXT = 6_000_000
"""Characters of a response, a prompt or a system prompt: a response of a million words fits."""
MAX_CONSTRAINTS = 64
MAX_SOURCE = 100_000
MAX_WORK = 64_000_000
"""Characters of a response times its rules: 64 rules read a million characters, ten read the longest text."""
MAX_HELD = 128 << 20
"""Bytes of requests that have no whole answer yet, of all clients; what a client may hold is `verif.service.places`."""
REQUEST_S = 3600.0
"""For a whole request, the judge's queue included; what is left then is not worked on any more."""


class Request(BaseModel):
    """The body of `POST /v1/verify`.

    `cache=false` computes everything anew; `complete=true` asks also what cannot change the reward.
    """

    model_config = ConfigDict(extra="forbid")

    items: list[Item] = Field(min_length=1, max_length=MAX_ITEMS)
    cache: bool = True
    complete: bool = False

    @field_validator("items")
    @classmethod
    def _sizes(cls, items: list[Item]) -> list[Item]:
        for item in items:
            if problem := _too_large(item):
                raise ValueError(f"item {item.id[:80]!r}: {problem}")
        return items


def _too_large(item: Item) -> str:
    """Which bound an item passes ("" if none)."""
    instruction, length = item.instruction, len(item.response.text)
    if max(length, len(instruction.prompt), len(instruction.system)) > MAX_TEXT:
        return f"a text is longer than {MAX_TEXT} characters"
    if len(instruction.constraints) > MAX_CONSTRAINTS:
        return f"more than {MAX_CONSTRAINTS} constraints"
    for constraint in instruction.constraints:
        longest = max(len(constraint.text), len(constraint.source) if constraint.kind == "checker" else 0)
        if longest > MAX_SOURCE:
            return f"a constraint is longer than {MAX_SOURCE} characters"
    rules = sum(constraint.kind == "rule" for constraint in instruction.constraints)
    if length * rules > MAX_WORK:
        return (
            f"{rules} rules may read a response of {MAX_WORK // rules} characters, and it is longer than that"
        )
    return ""
