"""Why verdicts are errors, in a line for the screen: many errors have few causes, and the commonest says what to do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from verif.errors import NoRewardError
from verif.types import Status, Verification

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


def why(verification: Verification) -> str:
    """The reason of the first error among the verdicts; "" where there is none."""
    return next((verdict.reason for verdict in verification.verdicts if verdict.status is Status.ERROR), "")


def reward_or_raise(verification: Verification) -> float:
    """The reward, or `NoRewardError`: for hosts that have no way to leave a response out."""
    if verification.reward.value is None:
        raise NoRewardError(
            f"there is no reward for item {verification.id[:80]!r}: {why(verification) or 'it could not be decided'}.",
            "Whatever asked must not count it, and may ask again.",
        )
    return verification.reward.value


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= LONGEST else f"{one_line[:LONGEST]}…"
