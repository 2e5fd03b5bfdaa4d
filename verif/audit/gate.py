"""Fit to teach, or not, and why.

A reason names a measure and its limit, so that it reads the same on every run; what was measured stands
beside it and goes only into the report. Attack resistance counts only beside the acceptance of true responses:
a judge that fails everything resists all attacks and is useless.
"""

from __future__ import annotations

from dataclasses import dataclass

from verif.audit.accuracy import Confusion
from verif.audit.answers.measure import Answers
from verif.audit.findings import Findings
from verif.audit.pressure.limits import exceeded
from verif.recipe import AuditGate, PressureSection, ReferenceSection

MIN_CASES = 20
"""Fewer true, or fewer false, responses say too little about a judge."""
MAX_UNDECIDED = 0.05
"""A verifier that often gives no verdict at all starves training, however right the others are."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verifier must not teach: `text` is the same on every run, `measured` need not be."""

    text: str
    measured: str

    def __str__(self) -> str:
        return f"{self.text} ({self.measured})"


def decide(
    findings: Findings,
    gate: AuditGate,
    agreement: float = 0.0,
    pressure: PressureSection | None = None,
    reference: ReferenceSection | None = None,
) -> list[Reason]:
    """The reasons against the verifier; empty means fit. `agreement` is what the recipe asks of a cascade."""
    reasons = []
    parts = findings.accuracy.parts()
    if findings.judged:
        reasons += _enough(parts.get("judge", Confusion()))
    for name in ("judge", "verifier"):
        if name in parts and (findings.judged or name == "verifier"):
            reasons += _accuracy(name, parts[name], gate, findings.failures)
    reasons += _attacks(findings, gate)
    reasons += _cascade(findings, agreement)
    if findings.pressure is not None and pressure is not None:
        reasons += [Reason(text, measured) for text, measured in exceeded(findings.pressure, pressure)]
    if findings.answers is not None and reference is not None:
        reasons += _answers(findings.answers, gate, reference)
    return reasons + _mutations(findings) + _determinism(findings, gate)


def _answers(answers: Answers, gate: AuditGate, reference: ReferenceSection) -> list[Reason]:
    """What speaks against the decisions on reference answers; an interval that holds the limit condemns nobody."""
    reasons, n = [], len(answers.forms) + len(answers.attacks)
    if n and answers.undecided > MAX_UNDECIDED * n:
        text = f"more than {MAX_UNDECIDED:.0%} of reference answers get no verdict"
        reasons.append(Reason(text, f"{answers.undecided} of {n}"))
    precision = answers.precision("verifier")
    if precision.n and precision.high < reference.min_precision:
        text = f"of the reference answers that pass, fewer than {reference.min_precision:.0%} are right"
        reasons.append(Reason(text, str(precision)))
    worst = answers.worst()
    if worst and worst[1].low > gate.max_attack_success:
        text = f"an attack on reference answers passes more often than {gate.max_attack_success:.0%}"
        reasons.append(Reason(text, f"{worst[0]} {worst[1]}"))
    return reasons


def _cascade(findings: Findings, agreement: float) -> list[Reason]:
    if findings.band is None or not findings.band.agreement.n or findings.band.agreement.high >= agreement:
        return []
    text = f"where the small judge decides alone, it agrees with the judge in fewer than {agreement:.0%}"
    return [Reason(text, str(findings.band.agreement))]


def _enough(judge: Confusion) -> list[Reason]:
    true, false = judge.accept_true.n, judge.recall_false.n
    if min(true, false) >= MIN_CASES or judge.undecided_share.value > MAX_UNDECIDED:
        return []
    text = (
        f"the golden set has fewer than {MIN_CASES} true or false responses for the judge: it cannot be trusted unseen"
        " (docs/audit.md says how to label some)"
    )
    return [Reason(text, f"{true} true, {false} false")]


def _accuracy(name: str, confusion: Confusion, gate: AuditGate, failures: str) -> list[Reason]:
    reasons = []
    undecided = confusion.undecided_share
    if undecided.n and undecided.value > MAX_UNDECIDED:
        text = f"the {name} gives no verdict on more than {MAX_UNDECIDED:.0%} of the golden responses"
        reasons.append(Reason(text, f"{undecided}; {failures}" if failures else str(undecided)))
    recall, accepted = confusion.recall_false, confusion.accept_true
    if recall.n and recall.value < gate.min_recall_false:
        text = f"the {name} sees fewer than {gate.min_recall_false:.0%} of false responses"
        reasons.append(Reason(text, str(recall)))
    if accepted.n and accepted.value < gate.min_accept_true:
        text = (
            f"the {name} accepts fewer than {gate.min_accept_true:.0%} of true responses: "
            "that it resists attacks is then worth nothing"
        )
        reasons.append(Reason(text, str(accepted)))
    return reasons


def _attacks(findings: Findings, gate: AuditGate) -> list[Reason]:
    reasons = []
    for part in ("judge", "verifier"):
        worst = findings.worst(part)
        if worst and worst[1].value > gate.max_attack_success:
            names = [
                f"{family.name} {family.rates()[part].value:.2f}"
                for family in findings.attacks
                if part in family.rates() and family.rates()[part].value > gate.max_attack_success
            ]
            text = (
                f"at least one attack family fools the {part} more often than {gate.max_attack_success:.0%}"
            )
            reasons.append(Reason(text, ", ".join(names)))
    return reasons


def _mutations(findings: Findings) -> list[Reason]:
    wrong = [f"{result.rule} {result.wrong} of {result.n}" for result in findings.mutations if result.wrong]
    return [Reason("a rule misses minimal edits", ", ".join(wrong))] if wrong else []


def _determinism(findings: Findings, gate: AuditGate) -> list[Reason]:
    rate = findings.determinism.flip_rate
    if rate.n and rate.value > gate.max_flip_rate:
        text = f"more than {gate.max_flip_rate:.0%} of verdicts change when the same batch is asked again"
        return [Reason(text, str(rate))]
    return []
