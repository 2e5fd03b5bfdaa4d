"""What the gates of models and of judges share: criteria, a decision, whose verdicts are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from verif.evaluation.case import VerdictRow
from verif.evaluation.scores import outcomes
from verif.evaluation.summary import MAIN
from verif.registry.evidence import Evidence
from verif.types import Status

MIN_KNOWN = 0.95
"""At least this share of the prompts must have a verdict on each side: those without one may be the hard ones."""


@dataclass(frozen=True)
class Criterion:
    """One criterion: what was measured, the limit, and a sentence."""

    name: str
    passed: bool
    value: float | None
    limit: float
    note: str


@dataclass(frozen=True)
class Decision:
    """The gate's word. `against` is the champion's version, or "the starting policy"."""

    passed: bool
    against: str
    checks: tuple[Criterion, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def reasons(self) -> list[str]:
        """Why it did not pass."""
        return [f"{check.name}: {check.note}" for check in self.checks if not check.passed]


@dataclass(frozen=True)
class Sides:
    """The rows of one benchmark that are compared: what the model is held against, and its own."""

    old: list[VerdictRow]
    new: list[VerdictRow]


def sides_of(benchmark: str, evidence: Evidence, champion: Evidence | None, *, must: bool) -> Sides:
    """Against the champion where it was measured on the benchmark (or `must` have been), else the starting policy."""
    new = rows_of(evidence, benchmark, "after")
    if champion is not None and ((theirs := rows_of(champion, benchmark, "after")) or must):
        return Sides(_same_prompts(new, theirs), new)
    return Sides(rows_of(evidence, benchmark, "before"), new)


def rows_of(evidence: Evidence, benchmark: str, model: str) -> list[VerdictRow]:
    """A model's kept verdicts on a benchmark, in the mode of the headline."""
    return [r for r in evidence.rows if r.benchmark == benchmark and r.model == model and r.mode == MAIN]


def _same_prompts(new: Sequence[VerdictRow], old: Sequence[VerdictRow]) -> list[VerdictRow]:
    """The champion's rows whose prompt the new model was asked too, under the same id."""
    asked = {(row.id, row.prompt) for row in new}
    return [row for row in old if (row.id, row.prompt) in asked]


def verdicts_check(first: str, sides: dict[str, Sides]) -> Criterion:
    """Prompts with a verdict: on all constraints where the gain is measured, without errors elsewhere."""
    shares: dict[str, float] = {}
    for name, side in sides.items():
        for label, rows in (("compared with", side.old), ("new", side.new)):
            asked = len({row.id for row in rows})
            if name == first:
                known = sum(outcome.known for outcome in outcomes(rows))
            else:
                known = asked - len({row.id for row in rows if row.status == Status.ERROR})
            if asked:
                shares[f"{known} of {asked} prompts of {name} ({label})"] = known / asked
    if not shares:
        return Criterion("verdicts", False, None, MIN_KNOWN, "no verdicts were kept")
    worst = min(shares, key=lambda name: shares[name])
    note = (
        f"{worst} have their verdicts; at least {MIN_KNOWN:.0%} must, or what failed to be judged is left out"
    )
    return Criterion("verdicts", shares[worst] >= MIN_KNOWN, shares[worst], MIN_KNOWN, note)


def verifier_check(sides: dict[str, Sides]) -> Criterion:
    """Verdicts of two verifiers differ for reasons that are not the model's."""
    compared, example, other = 0, "", 0
    for side in sides.values():
        before = {(row.id, row.index, row.variant): row.verifier for row in side.old}
        for row in side.new:
            judge = before.get((row.id, row.index, row.variant))
            compared += judge is not None
            if judge not in (None, row.verifier):
                other += 1
                example = example or f"{judge} and {row.verifier}"
    note = f"{compared} verdicts on either side by the same verifier"
    if other:
        note = (
            f"{other} of {compared} verdicts are by different verifiers ({example}); evaluate and register the "
            "weights compared with again under the present one, or look first: `verif bench run`"
        )
    return Criterion("verifier", not other, float(other), 0.0, note)


def audit_check(evidence: Evidence) -> Criterion:
    """The verifier that rewarded it is fit to teach."""
    fit, reasons = evidence.fitness.get("fit") is True, evidence.fitness.get("reasons") or []
    return Criterion(
        "audit",
        fit,
        float(fit),
        1.0,
        "the verifier passed its audit" if fit else "; ".join(map(str, reasons)),
    )
