"""What a judge said about pairs: right in both orders, swayed by the order, or unable to tell the two apart.

Everything is counted by pair, from the kept verdicts of both its questions. An answer that cannot be read is no answer:
it is wrong, and its pair is not decided alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from verif.evaluation.case import Scores, VerdictRow
from verif.evaluation.scores import UNKNOWN
from verif.stats import PairedResult, bootstrap_mean, paired_bootstrap
from verif.types import Status

ALIKE = {("A", "B"), ("B", "A"), ("tie", "tie")}
"""What a judge says to the two orders if it prefers the same response in both."""


@dataclass(frozen=True)
class JudgedPair:
    """Both answers about one pair: whether each was right, and what it said ("" for nothing that can be read)."""

    pair: str
    form: str
    construction: str
    matched: bool
    right: tuple[bool, bool]
    said: tuple[str, str]

    @property
    def both(self) -> float:
        """Both answers are right."""
        return float(all(self.right))

    @property
    def accuracy(self) -> float:
        """The share of the two that is right."""
        return sum(self.right) / 2

    @property
    def flipped(self) -> float:
        """Pairwise: the order changed which response is preferred."""
        return float(self.said not in ALIKE)

    @property
    def tied(self) -> float:
        """The judge does not tell the two apart: a tie, or the same verdict on both."""
        alike = self.said[0] == self.said[1] and bool(self.said[0])
        return float(alike if self.form == "pointwise" else "tie" in self.said)

    @property
    def undecided(self) -> float:
        """What consistency means in either form: flipped, or the same verdict on both."""
        return self.tied if self.form == "pointwise" else self.flipped

    @property
    def fooled(self) -> float:
        """The false response was accepted, or preferred in some order."""
        if self.form == "pointwise":
            return float(self.said[1] == "pass")
        return float(self.said[0] == "B" or self.said[1] == "A")


def judged_pairs(rows: Sequence[VerdictRow]) -> dict[str, JudgedPair]:
    """By pair, those whose two answers both have a verdict."""
    turns: dict[str, dict[int, tuple[VerdictRow, str]]] = defaultdict(dict)
    told: dict[str, dict[str, object]] = {}
    for row in rows:
        if row.variant == "strict" and row.index == 0 and row.status not in UNKNOWN:
            labels = orjson.loads(row.labels)
            turns[labels["pair"]][labels["turn"]] = (row, str(orjson.loads(row.evidence).get("said", "")))
            told[labels["pair"]] = labels
    out = {}
    for pair, answers in turns.items():
        if len(answers) == 2:
            (first, said), (second, later) = answers[0], answers[1]
            out[pair] = JudgedPair(
                pair, str(told[pair]["form"]), str(told[pair]["construction"]), bool(told[pair]["matched"]),
                (first.status == Status.PASS, second.status == Status.PASS), (said, later),
            )  # fmt: skip
    return out


def pair_scores(rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """Accuracy, both right, flips, ties; by form, by construction, and of pairs alike in length."""
    pairs = list(judged_pairs(rows).values())
    scores: Scores = {}

    def add(name: str, chosen: Sequence[JudgedPair], value: Callable[[JudgedPair], float]) -> None:
        if chosen:
            scores[name] = bootstrap_mean([value(p) for p in chosen], [p.pair for p in chosen], samples, seed)

    for form in ("pairwise", "pointwise"):
        own = [pair for pair in pairs if pair.form == form]
        add(f"{form}/accuracy", own, lambda p: p.accuracy)
        add(f"{form}/both_right", own, lambda p: p.both)
        add(f"{form}/both_right_alike_in_length", [p for p in own if p.matched], lambda p: p.both)
        add(f"{form}/ties", own, lambda p: p.tied)
        if form == "pairwise":
            add(f"{form}/flips", own, lambda p: p.flipped)
        else:
            add(f"{form}/accept_true", own, lambda p: float(p.right[0]))
            add(f"{form}/recall_false", own, lambda p: float(p.right[1]))
        add(f"{form}/fooled", own, lambda p: p.fooled)
    for construction in sorted({pair.construction for pair in pairs}):
        own = [pair for pair in pairs if pair.construction == construction]
        add(f"both_right: {construction}", own, lambda p: p.both)
    return scores


def change(
    before: Sequence[VerdictRow],
    after: Sequence[VerdictRow],
    value: Callable[[JudgedPair], float],
    samples: int,
    seed: int,
    form: str = "",
) -> PairedResult | None:
    """A value after minus before, over the pairs (of a form) that both decided; None without any."""
    old, new = judged_pairs(before), judged_pairs(after)
    shared = [name for name in new if name in old and form in ("", new[name].form)]
    if not shared:
        return None
    return paired_bootstrap(
        [value(old[name]) for name in shared], [value(new[name]) for name in shared], shared, samples, seed
    )


CHANGES: dict[str, tuple[str, Callable[[JudgedPair], float]]] = {
    "flips": ("pairwise", lambda p: p.flipped),
    "pairwise accuracy": ("pairwise", lambda p: p.accuracy),
    "ties": ("pointwise", lambda p: p.tied),
    "recall on false": ("pointwise", lambda p: float(p.right[1])),
    "acceptance of true": ("pointwise", lambda p: float(p.right[0])),
    "accuracy": ("", lambda p: p.accuracy),
    "undecided": ("", lambda p: p.undecided),
    "fooled": ("", lambda p: p.fooled),
}
"""What is compared between two judges: the form it is about ("": either), and its value for a pair."""


def changes(
    before: Sequence[VerdictRow], after: Sequence[VerdictRow], samples: int, seed: int
) -> dict[str, PairedResult]:
    """Every comparison that the rows allow."""
    made = {
        name: change(before, after, value, samples, seed, form) for name, (form, value) in CHANGES.items()
    }
    return {name: result for name, result in made.items() if result is not None}
