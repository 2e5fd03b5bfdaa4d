"""`verif screen`: find defective checkers and rules, and write a repaired data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.core.score import dumps
from verif.data.screening.repair import POLICIES, RepairedRow, apply, by_row, to_row
from verif.data.screening.screen import KINDS, NOTES, Finding
from verif.data.screening.screen import screen as find
from verif.errors import InputError
from verif.system.console import Console
from verif.system.files import write_bytes
from verif.types import CheckerConstraint, Instruction, SoftConstraint, is_hard


def screen(
    file: Annotated[Path, typer.Argument(help="Rows in any form that verif reads; - is standard input.")],
    policy: Annotated[str, typer.Option(help="keep | repair | drop-constraint | drop-row")] = "repair",
    out: Annotated[
        Path | None, typer.Option(help="The data set under the policy (VerInstruct rows).")
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="One JSON object per finding, with its evidence.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out lines that cannot be read.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Sandbox workers.")] = 2,
) -> None:
    """Find defective checkers and rules in a data set."""
    if policy not in POLICIES:
        raise InputError(
            f"unknown policy {policy!r}", field="--policy", hint=f"One of {', '.join(POLICIES)}."
        )
    skipped: list[InputError] = []
    rows = [
        (row.where.row, row.instruction)
        for row in read_rows(file, skipped.append if skip_bad else None)
        if row.instruction is not None and row.sample == 0
    ]
    with Sandbox(workers=workers) as sandbox:
        findings = find(rows, sandbox)
    grouped = by_row(findings)
    known = {(number, instruction.id): instruction for number, instruction in rows}
    outcomes = {place: apply(policy, item, grouped.get(place, [])) for place, item in known.items()}  # type: ignore[arg-type]
    if quarantine is not None:
        lines = [dumps(quarantined(f, known[f.row, f.id], outcomes[f.row, f.id])) for f in findings]
        write_bytes(quarantine, b"".join(lines))
    if out is not None:
        kept = [written(o.instruction) for o in outcomes.values() if o.instruction is not None]
        write_bytes(out, b"".join(map(dumps, kept)))
    show(rows, findings, outcomes)
    if skipped:
        print(f"{len(skipped)} lines could not be read and were left out; the first: {skipped[0]}")


def written(instruction: Instruction) -> dict[str, Any]:
    """A row as it came: VerInstruct's form, or verif's own where that cannot hold its constraints."""
    single = not instruction.system and not instruction.meta.get("history")
    if single and all(isinstance(c, CheckerConstraint | SoftConstraint) for c in instruction.constraints):
        return to_row(instruction)
    return instruction.model_dump(mode="json")


def quarantined(finding: Finding, instruction: Instruction, outcome: RepairedRow) -> dict[str, Any]:
    """The machine-readable form of a finding."""
    constraint = instruction.constraints[finding.index]
    return {
        "id": finding.id,
        "row": finding.row,
        "index": finding.index,
        "kind": finding.kind,
        "defect": finding.defect,
        "detail": finding.detail,
        "evidence": finding.evidence,
        "action": "row dropped"
        if outcome.instruction is None
        else outcome.actions.get(finding.index, "kept"),
        "text": constraint.text,
        "source": constraint.source if isinstance(constraint, CheckerConstraint) else "",
    }


def show(
    rows: list[tuple[int, Instruction]], findings: list[Finding], outcomes: dict[tuple[int, str], RepairedRow]
) -> None:
    """The table."""
    checkers = sum(is_hard(c) for _, instruction in rows for c in instruction.constraints)
    counts = Counter(finding.kind for finding in findings)
    table = Table(title=f"{checkers} checkers and rules in {len(rows)} rows")
    for name in ("finding", "constraints", "rows", "share of them"):
        table.add_column(name, justify="left" if name == "finding" else "right")
    for kind in KINDS:
        in_rows = len({(finding.row, finding.id) for finding in findings if finding.kind == kind})
        share = f"{counts[kind] / checkers:.1%}" if checkers else "-"
        table.add_row(f"{kind} (note)" if kind in NOTES else kind, str(counts[kind]), str(in_rows), share)
    Console().print(table)
    hollow = sum(all_vacuous(number, instruction, findings) for number, instruction in rows)
    print(f"{hollow} rows whose checkers all pass on the empty response (which verif never scores)")
    defective = {(finding.row, finding.id, finding.index) for finding in findings if finding.defect}
    actions = Counter(action for outcome in outcomes.values() for action in outcome.actions.values())
    left = sum(outcome.instruction is not None for outcome in outcomes.values())
    print(
        f"{len(defective)} checkers and rules have a defect; "
        + ", ".join(f"{n} {a}" for a, n in sorted(actions.items()))
    )
    print(f"{left} of {len(rows)} rows are left")


def all_vacuous(number: int, instruction: Instruction, findings: list[Finding]) -> bool:
    """True if a row has checkers and all of them pass on the empty response."""
    own = {i for i, c in enumerate(instruction.constraints) if isinstance(c, CheckerConstraint)}
    return bool(own) and own <= {
        f.index
        for f in findings
        if (f.row, f.id) == (number, instruction.id) and f.kind == "vacuous on empty"
    }
