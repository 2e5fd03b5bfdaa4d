"""Everything an audit found, and the numbers of it that go into `reports/verifier.json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verif.audit.accuracy import Accuracy
from verif.audit.agreement import Agreement
from verif.audit.answers.measure import Answers
from verif.audit.answers.report import numbers as answers_numbers
from verif.audit.attacks.score import FamilyResult
from verif.audit.band import ChosenBand
from verif.audit.calibration import Calibration
from verif.audit.cost import BatchCost
from verif.audit.determinism import Determinism
from verif.audit.mutations.score import RuleResult
from verif.audit.pairs import Pairwise
from verif.audit.pressure.report import numbers as pressure_numbers
from verif.audit.pressure.run import Pressure
from verif.stats import Interval, proportion
from verif.types import Formula


@dataclass(slots=True)
class Findings:
    """The parts of an audit. `judged` says whether the verifier asks a judge; `notes` say what did not apply.

    `failures`: the commonest reasons why golden responses got no verdict.
    """

    formula: Formula
    judged: bool
    accuracy: Accuracy
    attacks: list[FamilyResult]
    mutations: list[RuleResult]
    determinism: Determinism
    cost: BatchCost
    agreement: Agreement | None = None
    band: ChosenBand | None = None
    pressure: Pressure | None = None
    answers: Answers | None = None
    calibration: Calibration | None = None
    pairs: dict[str, Pairwise] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: str = ""

    def attacked(self, part: str) -> Interval:
        """Success rate of all families together against "rules", "judge" or "verifier"."""
        hits = [hit for family in self.attacks for hit in getattr(family, part)]
        return proportion(sum(hits), len(hits))

    def worst(self, part: str) -> tuple[str, Interval] | None:
        """The most successful family against a part, None if none was tried."""
        rates = [(f.name, f.rates()[part]) for f in self.attacks if part in f.rates()]
        return max(rates, key=lambda pair: pair[1].value) if rates else None


def numbers(findings: Findings) -> dict[str, Any]:
    """The figures of an audit as a small tree, for `dvc metrics show` and for the report page."""
    out: dict[str, Any] = {"formula": findings.formula}
    for name, confusion in findings.accuracy.parts().items():
        measures = {
            "accuracy": confusion.accuracy,
            "recall_false": confusion.recall_false,
            "precision_false": confusion.precision_false,
            "accept_true": confusion.accept_true,
        }
        out[name] = {"n": confusion.n, "undecided": confusion.undecided}
        for measure, interval in measures.items():
            out[name] |= _flat(measure, interval)
    out["attacks"] = {"families": len(findings.attacks), "errors": sum(f.errors for f in findings.attacks)}
    for part in ("rules", "judge", "verifier"):
        worst = findings.worst(part)
        if worst:
            out["attacks"] |= _flat(part, findings.attacked(part)) | _flat(f"{part}_worst", worst[1])
            out["attacks"][f"{part}_worst_family"] = worst[0]
    out["mutations"] = {
        "rules": len(findings.mutations),
        "n": sum(r.n for r in findings.mutations),
        "wrong": sum(r.wrong for r in findings.mutations),
        "errors": sum(r.errors for r in findings.mutations),
    }
    out["determinism"] = {
        "n": findings.determinism.cases,
        "errors": findings.determinism.errors,
        **_flat("flip_rate", findings.determinism.flip_rate),
    }
    if findings.agreement and findings.agreement.rate.n:
        out["agreement"] = {"n": findings.agreement.rate.n, **_flat("rate", findings.agreement.rate)}
        if findings.agreement.kappa is not None:
            out["agreement"]["kappa"] = round(findings.agreement.kappa.value, 4)
    if findings.band:
        out["cascade"] = {"low": findings.band.low, "high": findings.band.high, "n": findings.band.saved.n}
        out["cascade"] |= _flat("agreement", findings.band.agreement) | _flat("saved", findings.band.saved)
    if findings.pairs:
        out["pairs"] = {name: p.as_dict() for name, p in findings.pairs.items()}
    if findings.calibration:
        out["calibration"] = findings.calibration.as_dict()
    if findings.pressure:
        out["pressure"] = pressure_numbers(findings.pressure)
    if findings.answers:
        out["answers"] = answers_numbers(findings.answers)
    out["cost"] = findings.cost.as_dict()
    return out


def _flat(name: str, interval: Interval) -> dict[str, float]:
    """A value and its interval under three keys; nothing if there were no cases."""
    if not interval.n:
        return {}
    return {
        name: round(interval.value, 4),
        f"{name}_low": round(interval.low, 4),
        f"{name}_high": round(interval.high, 4),
    }
