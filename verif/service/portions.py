"""Items cut into requests that a service takes, and the bodies of these."""

from __future__ import annotations

import json
from collections.abc import Sequence

import orjson

from verif.core.answer import scrub
from verif.types import Item

CHUNK, CHUNK_CHARACTERS = 64, 2_000_000
"""Items per request, and characters of their texts: more than one item only up to this."""


def portions(items: Sequence[Item]) -> list[Sequence[Item]]:
    """The items in requests: by number and by length, since a service bounds the bytes of one."""
    out: list[list[Item]] = []
    room = 0
    for item in items:
        size = len(item.response.text) + len(item.instruction.prompt) + len(item.instruction.system)
        if not out or len(out[-1]) == CHUNK or size > room:
            out.append([])
            room = CHUNK_CHARACTERS
        out[-1].append(item)
        room -= size
    return list(out)


def body_of(missing: dict[int, Item], cache: bool, complete: bool) -> bytes:
    """A request for these items, named by their numbers."""
    items = [{**item.model_dump(mode="python"), "id": str(n)} for n, item in missing.items()]
    try:
        return orjson.dumps({"items": items, "cache": cache, "complete": complete})
    except TypeError:  # a lone surrogate fits into no JSON, a number beyond 64 bits into none of orjson's
        return json.dumps({"items": scrub(items), "cache": cache, "complete": complete}, default=str).encode()
