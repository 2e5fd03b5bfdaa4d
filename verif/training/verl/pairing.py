"""Two questions about one pair: whose rewards are compared, and what an answer is worth beside the other. Pure.

A judge with a habit of place is right in one order and wrong in the other every time: the rewards of one question are
then all alike and teach nothing. Those of both questions together differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from verif.errors import TrainingError


@dataclass(frozen=True)
class PairQuestion:
    """Which question of which pair a rollout answers, and which of that question's rollouts it is."""

    pair: str
    turn: int
    session: str


def asked(instruction: str, key: str) -> PairQuestion:
    """Read from an instruction as JSON and a rollout's key (`uid_session_index`); `TrainingError` for any other row."""
    try:
        told = orjson.loads(instruction)["meta"]["judgement"]
        return PairQuestion(str(told["pair"]), int(told["turn"]), key.split("_", 1)[1])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
        raise TrainingError(
            f"a row of the training data is no question about a pair: {instruction[:80]!r}.",
            "train.judgements needs data.kind: judgements; run `dvc repro prepare`.",
        ) from None


def consistent(questions: Sequence[PairQuestion], rewards: Sequence[float | None]) -> list[float | None]:
    """Each reward, or 0 where the answer with the same number to the pair's other question earned less than 1.

    A rollout without a reward stays without one, and so does one whose counterpart has none: nobody knows.
    """
    by_place = {(q.pair, q.turn, q.session): r for q, r in zip(questions, rewards, strict=True)}
    out: list[float | None] = []
    for question, own in zip(questions, rewards, strict=True):
        other = by_place.get((question.pair, 1 - question.turn, question.session))
        out.append(None if own is None or other is None else own if other >= 1 else 0.0)
    return out


def differing(groups: Sequence[str], rewards: Sequence[float | None]) -> set[str]:
    """The groups that hold two different rewards: only they teach anything."""
    seen: dict[str, set[float]] = defaultdict(set)
    for group, reward in zip(groups, rewards, strict=True):
        if reward is not None:
            seen[group].add(reward)
    return {group for group, values in seen.items() if len(values) > 1}
