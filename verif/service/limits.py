"""What the service accepts: sizes that a request may not pass, checked before any work is done."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from verif.types import Item

MAX_BODY = 64 << 20
"""Bytes of a request."""
MAX_READING = 4 * MAX_BODY
"""Bytes of all bodies that are being read at once."""
BODY_S = 60.0
"""For sending a body: one that never ends would hold its share of `MAX_READING` for ever."""
MAX_ITEMS = 1024
MAX_TEXT = 8_000_000
"""Characters of a response or a prompt: a response of a million words fits."""
MAX_CONSTRAINTS = 64
MAX_SOURCE = 100_000


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
            instruction = item.instruction
            if (
                len(item.response.text) > MAX_TEXT
                or len(instruction.prompt) > MAX_TEXT
                or len(instruction.system) > MAX_TEXT
            ):
                raise ValueError(f"item {item.id[:80]!r}: a text is longer than {MAX_TEXT} characters")
            if len(instruction.constraints) > MAX_CONSTRAINTS:
                raise ValueError(f"item {item.id[:80]!r}: more than {MAX_CONSTRAINTS} constraints")
            for constraint in instruction.constraints:
                longest = max(
                    len(constraint.text), len(constraint.source) if constraint.kind == "checker" else 0
                )
                if longest > MAX_SOURCE:
                    raise ValueError(
                        f"item {item.id[:80]!r}: a constraint is longer than {MAX_SOURCE} characters"
                    )
        return items
