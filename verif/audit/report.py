"""What an audit leaves behind: `reports/verifier.json`, tables, pictures, and the responses that fooled it."""

from __future__ import annotations

from pathlib import Path

import orjson

from verif.audit import pictures, tables
from verif.audit.answers import report as answers
from verif.audit.pressure import report as pressure
from verif.audit.rows import write_csv
from verif.audit.run import AuditReport
from verif.system.files import new_directory, write_bytes, write_json


def write(report: AuditReport, reports: Path, max_attack_success: float) -> None:
    """Write `verifier.json` and the folder `verifier/` below `reports`; each appears whole or not at all."""
    findings = report.findings
    with new_directory(reports / "verifier") as folder:
        write_csv(folder / "accuracy.csv", tables.accuracy_rows(findings), ("type", "n", "recall_false"))
        write_csv(folder / "attacks.csv", tables.attack_rows(findings), ("family", "n", "verifier"))
        write_csv(folder / "mutations.csv", tables.mutation_rows(findings), ("rule", "n", "missed"))
        pictures.draw(findings, folder, max_attack_success)
        write_bytes(folder / "fooled.jsonl", _fooled(report))
        if findings.pressure is not None:
            pressure.write(findings.pressure, folder)
        if findings.answers is not None:
            answers.write(findings.answers, folder)
    head = {
        "identity": report.identity,
        "fit": report.fit,
        "reasons": report.detailed,
        "notes": findings.notes,
    }
    write_json(reports / "verifier.json", head | report.numbers)


def _fooled(report: AuditReport) -> bytes:
    """One line per attack that got through, for people to read and judges to be mended by (never trained on)."""
    rows = [
        {"family": family.name, "prompt": case.instruction.prompt, "response": case.text}
        for family in report.findings.attacks
        for case in family.fooled
    ]
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)
