"""slime: `--rm-type remote_rm --rm-url http://HOST:PORT/slime?end=<|im_end|>`; written for its state of October 2026.

It posts `{prompt, response, label}` of one sample; the label holds the row's constraints, as JSON or as an object. It
wants the reward as a bare number. A remote reward has no word for an error: the answer is 503, slime asks ten times and
then ends. A `--custom-rm-path` of one's own may set `sample.remove_sample` instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verif.core.asked import item_of
from verif.core.rows import Where
from verif.service.dialects.dialect import Dialect, ended, field, truth
from verif.types import Item, Verification


def read(body: dict[str, Any], query: Mapping[str, str]) -> list[Item]:
    """The one item of a body."""
    where = Where("slime request", 1)
    said, finished = ended(field(body, "response", str, where), query, where)
    return [
        item_of(truth(body.get("label"), where), said, where, prompt=body.get("prompt"), finished=finished)
    ]


def answer(_: dict[str, Any], verifications: Sequence[Verification]) -> Any:
    """The bare number."""
    return verifications[0].reward.value


SLIME = Dialect("/slime", read, answer)
