"""The audit as tables: in the terminal, and as CSV files for `dvc plots` and the report page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from verif.audit.answers import report as answers
from verif.audit.findings import Findings
from verif.audit.pressure import report as pressure
from verif.audit.rows import Row, cells

if TYPE_CHECKING:
    from verif.audit.run import AuditReport
    from verif.system.console import Console


def accuracy_rows(findings: Findings) -> list[Row]:
    """One row per part and per constraint type."""
    named = {f"all {name}": c for name, c in findings.accuracy.parts().items()} | findings.accuracy.types
    rows = []
    for name, confusion in named.items():
        row: Row = {"type": name, "n": confusion.n, "undecided": confusion.undecided}
        for measure in ("recall_false", "precision_false", "accept_true", "accuracy"):
            row |= cells(measure, getattr(confusion, measure))
        rows.append(row)
    return rows


def attack_rows(findings: Findings) -> list[Row]:
    """One row per family."""
    rows = []
    for family in findings.attacks:
        row: Row = {"family": family.name, "n": len(family.verifier), "errors": family.errors}
        rates = family.rates()
        for part in ("rules", "judge", "verifier"):
            row |= cells(part, rates.get(part))
        row["mean_reward"] = None if family.mean_reward is None else round(family.mean_reward, 4)
        rows.append(row | {"about": family.about})
    return rows


def mutation_rows(findings: Findings) -> list[Row]:
    """One row per rule."""
    return [
        {"rule": r.rule, "n": r.n, "missed": r.missed, "refused": r.refused, "errors": r.errors}
        for r in findings.mutations
    ]


def show(report: AuditReport, console: Console) -> None:
    """The audit on a terminal: accuracy, attacks, the rest in a few lines, and the verdict last."""
    from rich.table import Table

    findings = report.findings
    table = Table(title="Golden responses", title_justify="left")
    for head in ("", "n", "recall on false", "precision on false", "accepts true", "errors"):
        table.add_column(head, justify="left" if not head else "right", no_wrap=not head)
    for row in accuracy_rows(findings):
        measures = ("recall_false", "precision_false", "accept_true")
        table.add_row(row["type"], str(row["n"]), *(_span(row, m) for m in measures), str(row["undecided"]))
    console.print(table)
    table = Table(title="Attack success (lower is better)", title_justify="left")
    for head in ("family", "n", "rules", "judge", "reward", "errors"):
        table.add_column(head, justify="left" if head == "family" else "right", no_wrap=head == "family")
    for row in attack_rows(findings):
        parts = ("rules", "judge", "verifier")
        table.add_row(row["family"], str(row["n"]), *(_span(row, p) for p in parts), str(row["errors"]))
    console.print(table)
    for line in lines(findings):
        console.print(line, markup=False, highlight=False)
    for note in findings.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(
        "fit to teach" if report.fit else "NOT fit to teach:", style="green" if report.fit else "red"
    )
    for reason in report.detailed:
        console.print(f"- {reason}", markup=False, highlight=False)


def lines(findings: Findings) -> list[str]:
    """Mutations, determinism, agreement and cost in a line each."""
    wrong, n = sum(r.wrong for r in findings.mutations), sum(r.n for r in findings.mutations)
    out = [f"minimal edits: {wrong} of {n} misjudged, {len(findings.mutations)} rules"]
    d, cost = findings.determinism, findings.cost
    out.append(f"determinism: flip rate {d.flip_rate} over {', '.join(d.runs)}; {d.errors} with errors")
    if findings.agreement:
        a = findings.agreement
        kappa = (
            "" if a.kappa is None else f", kappa {a.kappa.value:.2f} [{a.kappa.low:.2f}, {a.kappa.high:.2f}]"
        )
        out.append(f"rules and judge on the same constraints: {a.rate}{kappa}; unanswered {a.errors}")
    if findings.pairs:
        p = findings.pairs["all"]
        out.append(
            f"preference pairs: accuracy {p.accuracy}, ties not right; without ties {p.without_ties}; errors {p.errors}"
        )
    if findings.band:
        b = findings.band
        out.append(
            f"cascade: the small judge decides outside {b.low:g} to {b.high:g}: agreement {b.agreement}, saved {b.saved}"
        )
    if findings.calibration:
        c = findings.calibration
        out.append(
            f"calibration of the judge: expected error {c.before:.3f}, {c.after:.3f} at temperature {c.temperature:.2f} (n={c.n})"
        )
    if findings.pressure:
        out += pressure.lines(findings.pressure)
    if findings.answers:
        out += answers.lines(findings.answers)
    out.append(
        f"cost: {cost.verdicts_per_second:.0f} verdicts/s, {cost.rollouts_per_second:.0f} rollouts/s, "
        f"{cost.judge_calls} judge calls of {cost.judge_p50 or 0:.2f} s (95%: {cost.judge_p95 or 0:.2f} s), "
        f"{cost.prompt_tokens} + {cost.completion_tokens} tokens; "
        f"{cost.price_per_1000:.4f} per 1,000 rollouts at {cost.price_per_hour:g} an hour"
    )
    return out


def _span(row: Mapping[str, Any], name: str) -> str:
    """`0.98 (.95-.99)`, or nothing."""
    if row[name] is None:
        return ""
    low, high = (f"{row[f'{name}_{end}']:.2f}".removeprefix("0") for end in ("low", "high"))
    return f"{row[name]:.2f} ({low}-{high})"
