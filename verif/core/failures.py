"""Why verdicts are errors, in a line for the screen: many errors have few causes, and the commonest says what to do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

LONGEST = 160


def commonest(reasons: Iterable[str], most: int = 3) -> str:
    """The most frequent reasons with their numbers, each shown by one of its examples; "" for none.

    Reasons that differ only behind their first colon or bracket, where the text of an answer is quoted, are one.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, Counter[str]] = defaultdict(Counter)
    for reason in reasons:
        reason = reason or "unknown"
        kind = reason.partition(": ")[0].partition(" (")[0]
        counts[kind] += 1
        examples[kind][reason] += 1
    return "; ".join(
        f"{count} x {_short(examples[kind].most_common(1)[0][0])}" for kind, count in counts.most_common(most)
    )


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= LONGEST else f"{one_line[:LONGEST]}…"
