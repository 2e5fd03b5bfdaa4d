"""The data card of a build: what went in, what came out, what was refused and why, what it cost, and the digests.

Made of contents alone: no clock, and no calls of this run as against an earlier one. The same files give the same card.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from verif.data.builder.ledger import Call
from verif.data.builder.quarantine import Refusal, counted
from verif.types import Instruction, is_hard, type_name


def card(
    rows: Sequence[Instruction],
    refused: Sequence[Refusal],
    calls: Iterable[Call],
    digests: dict[str, str],
    **more: Any,
) -> dict[str, Any]:
    """The card as JSON; `more` is what only this kind of build has to say."""
    constraints = [c for row in rows for c in row.constraints]
    return {
        "rows": len(rows),
        "constraints": {
            "hard": sum(map(is_hard, constraints)),
            "soft": sum(not is_hard(c) for c in constraints),
            "by_type": _counts(map(type_name, constraints)),
            "of_a_row": _counts(len(row.constraints) for row in rows),
        },
        "licences": _counts(str(row.meta.get("licence", "")) for row in rows),
        "sources": _counts(str(row.meta.get("source", "")) or "not named" for row in rows),
        "refused": counted(refused),
        "cost": cost(calls),
        "digests": digests,
        **more,
    }


def cost(calls: Iterable[Call]) -> dict[str, Any]:
    """Calls, tokens and price in all, and by step and model; what gave no answer and may be charged by itself."""
    steps: dict[str, Counter[str]] = defaultdict(Counter)
    prices: dict[str, float] = defaultdict(float)
    for call in calls:
        by_step = f"{call.step}, {call.model}{'' if call.answered else ', no answer'}"
        for name in ("all", by_step):
            steps[name].update(
                calls=1, prompt_tokens=call.prompt_tokens, completion_tokens=call.completion_tokens
            )
            prices[name] += call.price
    return {name: {**counts, "price": round(prices[name], 6)} for name, counts in sorted(steps.items())}


def _counts(values: Iterable[Any]) -> dict[str, int]:
    """By name; a lone surrogate of a row's own licence or source becomes `?`, since a name in JSON cannot hold it."""
    return dict(sorted(Counter(str(value).encode("utf-8", "replace").decode() for value in values).items()))
