"""OpenRLHF: `--reward.remote_url http://HOST:PORT/openrlhf?end=<|im_end|>`; written for 0.11.

It posts `{query, prompts, labels}`, lists of one length: prompt and response in one text with special tokens, the prompt
alone, and the label of the data set, which holds the row's constraints as JSON. It wants `{rewards, scores, extra_logs}`.
It has no word for an error: the answer is 503, and OpenRLHF asks five times and then goes on without a reward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verif.core.asked import item_of
from verif.core.rows import Where
from verif.service.dialects.dialect import Dialect, ended, field, truth
from verif.types import Item, Verification

NAME = "OpenRLHF request"


def read(body: dict[str, Any], query: Mapping[str, str]) -> list[Item]:
    """One item per query."""
    start = Where(NAME, 1)
    queries, prompts, labels = (field(body, name, list, start) for name in ("query", "prompts", "labels"))
    if not len(queries) == len(prompts) == len(labels):
        raise start.error(
            f"has {len(queries)} entries for {len(prompts)} prompts and {len(labels)} labels", "query"
        )
    items = []
    for number, (text, prompt, label) in enumerate(zip(queries, prompts, labels, strict=True), 1):
        where = Where(NAME, number)
        if not isinstance(text, str) or not isinstance(prompt, str):
            raise where.error("must be text", "query" if isinstance(prompt, str) else "prompts")
        if not text.startswith(prompt):
            raise where.error(
                "does not begin with its prompt", "query", "Was the prompt cut? Raise the prompt's limit."
            )
        said, finished = ended(text[len(prompt) :], query, where)
        items.append(item_of(truth(label, where), said, where, prompt=prompt, finished=finished))
    return items


def answer(_: dict[str, Any], verifications: Sequence[Verification]) -> Any:
    """Rewards in the order of the queries."""
    rewards = [verification.reward.value for verification in verifications]
    return {"rewards": rewards, "scores": rewards, "extra_logs": {}}


OPENRLHF = Dialect("/openrlhf", read, answer)
