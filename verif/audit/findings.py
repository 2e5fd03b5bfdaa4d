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


def numbers(found: Findings) -> dict[str, Any]:
    """The figures of an audit as a small tree, for `dvc metrics show` and for the report page."""
    out: dict[str, Any] = {"formula": found.formula}
    for name, confusion in found.accuracy.parts().items():
        measures = {
            "accuracy": confusion.accuracy,
            "recall_false": confusion.recall_false,
            "precision_false": confusion.precision_false,
            "accept_true": confusion.accept_true,
        }
        out[name] = {"n": confusion.n, "undecided": confusion.undecided}
        for measure, interval in measures.items():
            out[name] |= _flat(measure, interval)
    out["attacks"] = {"families": len(found.attacks), "errors": sum(f.errors for f in found.attacks)}
    for part in ("rules", "judge", "verifier"):
        worst = found.worst(part)
        if worst:
            out["attacks"] |= _flat(part, found.attacked(part)) | _flat(f"{part}_worst", worst[1])
            out["attacks"][f"{part}_worst_family"] = worst[0]
    out["mutations"] = {
        "rules": len(found.mutations),
        "n": sum(r.n for r in found.mutations),
        "wrong": sum(r.wrong for r in found.mutations),
        "errors": sum(r.errors for r in found.mutations),
    }
    out["determinism"] = {
        "n": found.determinism.cases,
        "errors": found.determinism.errors,
        **_flat("flip_rate", found.determinism.flip_rate),
    }
    if found.agreement and found.agreement.rate.n:
        out["agreement"] = {"n": found.agreement.rate.n, **_flat("rate", found.agreement.rate)}
        if found.agreement.kappa is not None:
            out["agreement"]["kappa"] = round(found.agreement.kappa, 4)
    if found.band:
        out["cascade"] = {"low": found.band.low, "high": found.band.high, "n": found.band.saved.n}
        out["cascade"] |= _flat("agreement", found.band.agreement) | _flat("saved", found.band.saved)
    if found.pairs:
        out["pairs"] = {name: p.as_dict() for name, p in found.pairs.items()}
    if found.calibration:
        out["calibration"] = found.calibration.as_dict()
    if found.pressure:
        out["pressure"] = pressure_numbers(found.pressure)
    if found.answers:
        out["answers"] = answers_numbers(found.answers)
    out["cost"] = found.cost.as_dict()
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
