"""Accuracy on the golden set: above all, does the verifier see that a false response is false?

The unit is a verdict. A rule's verdict is compared with the truth of its constraint; a judge's joint verdict
with "all that it covers is true". A false joint verdict is put down to the one dimension that is false, or to
"several"; a true one counts for each dimension it covers. Errors are no answers: they are counted apart, and
never as right or wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from verif.audit.cases import AuditCase, Opinion, every, passed
from verif.stats import Interval, proportion
from verif.types import Formula, Verdict, is_hard, type_names


@dataclass(slots=True)
class Confusion:
    """Counts of (truth, decision). "False" responses are the class that matters: they must be caught."""

    true_accepted: int = 0
    true_rejected: int = 0
    false_accepted: int = 0
    false_rejected: int = 0
    undecided: int = 0

    def add(self, truth: bool | None, decision: bool | None) -> None:
        """Count one decision; where the truth is not known there is nothing to count."""
        if truth is None:
            return
        if decision is None:
            self.undecided += 1
        elif truth:
            self.true_accepted += decision
            self.true_rejected += not decision
        else:
            self.false_accepted += decision
            self.false_rejected += not decision

    @property
    def n(self) -> int:
        """Decided cases with known truth."""
        return self.true_accepted + self.true_rejected + self.false_accepted + self.false_rejected

    @property
    def accuracy(self) -> Interval:
        """Share of decisions that are right."""
        return proportion(self.true_accepted + self.false_rejected, self.n)

    @property
    def recall_false(self) -> Interval:
        """Share of false responses that were rejected."""
        return proportion(self.false_rejected, self.false_rejected + self.false_accepted)

    @property
    def precision_false(self) -> Interval:
        """Share of rejected responses that are false."""
        return proportion(self.false_rejected, self.false_rejected + self.true_rejected)

    @property
    def accept_true(self) -> Interval:
        """Share of true responses that were accepted."""
        return proportion(self.true_accepted, self.true_accepted + self.true_rejected)

    @property
    def undecided_share(self) -> Interval:
        """Share of cases without a decision (errors)."""
        return proportion(self.undecided, self.undecided + self.n)

    def as_dict(self) -> dict[str, Any]:
        """Counts and the measures that exist, for JSON."""
        measures = ("accuracy", "recall_false", "precision_false", "accept_true", "undecided_share")
        values = {name: getattr(self, name) for name in measures}
        counts = {
            "true_accepted": self.true_accepted,
            "true_rejected": self.true_rejected,
            "false_accepted": self.false_accepted,
            "false_rejected": self.false_rejected,
            "undecided": self.undecided,
        }
        return counts | {name: value.as_dict() for name, value in values.items() if value.n}


@dataclass(slots=True)
class Accuracy:
    """Confusions of rules, judge and verifier (the reward that teaches), and one per constraint type."""

    rules: Confusion = field(default_factory=Confusion)
    judge: Confusion = field(default_factory=Confusion)
    verifier: Confusion = field(default_factory=Confusion)
    types: dict[str, Confusion] = field(default_factory=dict)

    def parts(self) -> dict[str, Confusion]:
        """The parts that decided at least one case."""
        named = {"rules": self.rules, "judge": self.judge, "verifier": self.verifier}
        return {name: confusion for name, confusion in named.items() if confusion.n + confusion.undecided}


def measure(cases: Sequence[AuditCase], opinions: Sequence[Opinion], formula: Formula) -> Accuracy:
    """Compare opinions with the truth, response by response and verdict by verdict."""
    out, types = Accuracy(), defaultdict[str, Confusion](Confusion)
    for case, opinion in zip(cases, opinions, strict=True):
        judged = any(not _hard(case, v) for v in opinion.verdicts)
        ruled = any(_hard(case, v) for v in opinion.verdicts)
        if ruled:
            out.rules.add(case.hard, opinion.rules)
        if judged:
            out.judge.add(case.soft, opinion.judge)
        out.verifier.add(case.claimed(formula), opinion.accepted)
        for verdict in opinion.verdicts:
            for name in _types(case, verdict):
                types[name].add(every(case.truth[i] for i in verdict.covers), passed(verdict.status))
    out.types = dict(sorted(types.items()))
    return out


def _hard(case: AuditCase, verdict: Verdict) -> bool:
    return all(is_hard(case.instruction.constraints[i]) for i in verdict.covers)


def _types(case: AuditCase, verdict: Verdict) -> Iterable[str]:
    """The types that a verdict counts for."""
    names = type_names(case.instruction)
    wrong = {names[i] for i in verdict.covers if case.truth[i] is False}
    if len(wrong) > 1:
        return ["soft:several"]
    return wrong or sorted({names[i] for i in verdict.covers})
