"""The gate of a judge that was trained as a policy: it must decide more consistently, and be no easier to fool.

Against a champion both are compared on the pairs that both were asked, else with the judge that training started from.
"""

from __future__ import annotations

from verif.evaluation.judged_pairs import changes
from verif.evaluation.summary import in_order
from verif.registry.criteria import (
    Criterion,
    Decision,
    audit_check,
    sides_of,
    verdicts_check,
    verifier_check,
)
from verif.registry.evidence import Evidence
from verif.stats import PairedResult

ATTACKED = "judge-attacks"
ACCEPTANCE = 0.01
"""What the acceptance of true responses may lose: one point (a share)."""
SAMPLES = 10_000


def is_judge(evidence: Evidence) -> bool:
    """Whether the model was measured as a judge."""
    measured = in_order(evidence.evaluation)
    return bool(measured) and "judge" in next(iter(measured.values()))


def decide(
    evidence: Evidence, champion: Evidence | None = None, against: str = "", samples: int = SAMPLES
) -> Decision:
    """Undecided pairs down, recall up, acceptance and attacks not worse; verdicts, verifier and audit as for any model."""
    names = list(in_order(evidence.evaluation))
    sides = {name: sides_of(name, evidence, champion, must=name == names[0]) for name in names}
    measured = {name: changes(side.old, side.new, samples, 0) for name, side in sides.items()}
    first, attacked = measured[names[0]], measured.get(ATTACKED, {})
    checks = [
        _falls("consistency", first.get("undecided")),
        _rises("recall", first.get("recall on false") or first.get("pairwise accuracy")),
        _keeps("acceptance", first.get("acceptance of true") or first.get("accuracy"), ACCEPTANCE),
        _stays_down("attacks", attacked.get("fooled")),
        verdicts_check(names[0], sides),
        verifier_check(sides),
        audit_check(evidence),
    ]
    return Decision(all(check.passed for check in checks), against or "the starting judge", tuple(checks))


def _falls(name: str, change: PairedResult | None) -> Criterion:
    """The whole interval must be below zero."""
    if change is None:
        return _unmeasured(name, 0.0)
    upper = change.difference.high
    note = f"pairs that are not decided alike: {_said(change)}; the upper end must be below 0"
    return Criterion(name, upper < 0, upper, 0.0, note)


def _rises(name: str, change: PairedResult | None) -> Criterion:
    if change is None:
        return _unmeasured(name, 0.0)
    value = change.difference.value
    return Criterion(name, value > 0, value, 0.0, f"false responses seen: {_said(change)}; it must rise")


def _keeps(name: str, change: PairedResult | None, allowed: float) -> Criterion:
    """No lower than by what is allowed."""
    if change is None:
        return _unmeasured(name, -allowed)
    value = change.difference.value
    note = f"{_said(change)}; it may fall by {allowed:.3f}"
    return Criterion(name, value >= -allowed, value, -allowed, note)


def _stays_down(name: str, change: PairedResult | None) -> Criterion:
    """No higher."""
    if change is None:
        return _unmeasured(name, 0.0)
    value = change.difference.value
    return Criterion(name, value <= 0, value, 0.0, f"attacked pairs that fool it: {_said(change)}")


def _said(change: PairedResult) -> str:
    gap = change.difference
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}], n={gap.n}"


def _unmeasured(name: str, limit: float) -> Criterion:
    return Criterion(name, False, None, limit, "it was not measured")
