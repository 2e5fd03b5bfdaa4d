"""The golden set: `data/golden.parquet`, responses whose truth is known, and the world's oracle where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from verif.audit.attacks.score import Oracle
from verif.audit.cases import AuditCase, from_golden
from verif.audit.said import said
from verif.core.answer import as_sent
from verif.data.splits import GoldenItem
from verif.errors import InputError
from verif.recipe import Recipe
from verif.system.tables import read_table
from verif.types import Instruction


def golden_cases(folder: Path) -> list[AuditCase]:
    """What an audit asks about: the golden set of the data, and responses that the judge's making knew the truth of."""
    cases = read_golden(folder / "golden.parquet")
    beside = folder / "judge_golden.parquet"
    if not beside.is_file():
        return cases
    return cases + [replace(case, id=f"judge-{case.id}") for case in read_golden(beside)]


def read_golden(path: Path) -> list[AuditCase]:
    """Cases of a golden file (columns instruction, response, truth); a bad row is an `InputError`."""
    columns, hint = ["instruction", "response", "truth"], "Run `dvc repro prepare`."
    rows = read_table(path, columns, what="the golden set", hint=hint)
    items = []
    for number, row in enumerate(rows, 1):
        try:
            instruction = Instruction.model_validate_json(row["instruction"])
        except (ValidationError, TypeError) as error:
            raise InputError(str(error).splitlines()[0], file=path, row=number, field="instruction") from None
        truth = list(row["truth"] or [])
        if len(truth) != len(instruction.constraints):
            raise InputError(
                f"{len(truth)} truths for {len(instruction.constraints)} constraints",
                file=path,
                row=number,
                field="truth",
            )
        items.append(GoldenItem(instruction, row["response"], truth))
    return from_golden(items)


def oracle_of(recipe: Recipe) -> Oracle | None:
    """The truth for data that is drawn by code; real data has none.

    What is said is decided apart from the verifier's cut (`verif.audit.said`), so that a fault of the cut is found.
    """
    if not recipe.knows_truth:
        return None
    from verif.data.truths import truths

    reasoning = recipe.verifier.reasoning

    def world(instruction: Instruction, text: str) -> tuple[bool, ...]:
        return truths(instruction, said(as_sent(text, reasoning).text, reasoning))

    return world
