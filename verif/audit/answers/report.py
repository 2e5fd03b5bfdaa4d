"""The audit of reference answers as tables, lines and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verif.audit.answers.asking import OPINIONS
from verif.audit.answers.attacks import FAMILIES
from verif.audit.answers.measure import Answers, accepted
from verif.audit.rows import Row, cells, write_csv


def write(answers: Answers, folder: Path) -> None:
    """The tables `answers.csv` (by form: equal forms accepted, minimal edits refused) and `answer_attacks.csv`."""
    write_csv(folder / "answers.csv", form_rows(answers))
    write_csv(folder / "answer_attacks.csv", attack_rows(answers))


def form_rows(answers: Answers) -> list[Row]:
    """One row per form, and one for all: recall, false accepts and precision of each opinion, with intervals."""
    rows = []
    for form in ("", *sorted({compared.case.group for compared in answers.forms})):
        row: Row = {
            "form": form or "all",
            "n": sum(c.case.group in (form or c.case.group,) for c in answers.forms),
        }
        for opinion in OPINIONS:
            row |= cells(f"{opinion}_recall", answers.rate(opinion, right=True, group=form))
            row |= cells(f"{opinion}_false", answers.rate(opinion, right=False, group=form))
        rows.append(row)
    return rows


def attack_rows(answers: Answers) -> list[Row]:
    """One row per family: how often each opinion accepts it."""
    rows = []
    for name, attack in FAMILIES.items():
        group = [compared for compared in answers.attacks if compared.case.group == name]
        row: Row = {"family": name, "n": len(group)}
        for opinion in OPINIONS:
            row |= cells(opinion, accepted(opinion, group))
        rows.append(row | {"about": (attack.__doc__ or "").strip().splitlines()[0].rstrip(".")})
    return rows


def lines(answers: Answers) -> list[str]:
    """The audit of reference answers in a few lines."""
    out = []
    for opinion in OPINIONS:
        recall = answers.rate(opinion, right=True)
        if recall.n:
            worst = answers.worst(opinion)
            shown = f"; worst attack {worst[0]} {worst[1]}" if worst else ""
            out.append(
                f"answers, {opinion}: recall {recall}; false accepts {answers.rate(opinion, right=False)};"
                f" precision {answers.precision(opinion)}{shown}"
            )
    return out


def numbers(answers: Answers) -> dict[str, Any]:
    """The figures for `reports/verifier.json`."""
    out: dict[str, Any] = {
        "n": len(answers.forms),
        "undecided": answers.undecided,
        "threshold": answers.threshold,
    }
    for opinion in OPINIONS:
        if not answers.rate(opinion, right=True).n:
            continue
        out |= cells(f"{opinion}_recall", answers.rate(opinion, right=True))
        out |= cells(f"{opinion}_false", answers.rate(opinion, right=False))
        if worst := answers.worst(opinion):
            out[f"{opinion}_worst_family"] = worst[0]
            out |= cells(f"{opinion}_worst", worst[1])
    return out
