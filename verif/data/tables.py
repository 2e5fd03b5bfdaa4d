"""The further tables of `prepare` on disk: golden responses, and pairs to train tiny models on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.data.splits import GoldenItem, JudgePair, PolicyPair
from verif.errors import InputError
from verif.system.tables import read_table, write_table
from verif.types import Instruction

# Column -> type; spelt out so that an empty table keeps its form.
GOLDEN = {"instruction": "string", "response": "string", "truth": "bools"}
POLICY = {"prompt": "string", "response": "string"}
JUDGE = {
    "instruction": "string", "response": "string", "followed": "bool", "reason": "string", "broken": "int"
}  # fmt: skip
EMPTY = frozenset({"broken"})
"""Columns in which nothing may stand."""


PREPARE = "Run `dvc repro prepare`."


def _read(path: Path, columns: dict[str, str], hint: str = PREPARE) -> list[dict[str, Any]]:
    rows = read_table(path, list(columns), hint=hint)
    for number, row in enumerate(rows, 1):
        for name in columns:
            if row.get(name) is None and name not in EMPTY:
                raise InputError("the value is missing", file=path, row=number, field=name)
    return rows


def write_golden(path: Path, items: Sequence[GoldenItem]) -> None:
    """Responses with the truth per constraint; instructions as JSON."""
    rows = [
        {"instruction": i.instruction.model_dump_json(), "response": i.response, "truth": i.truth}
        for i in items
    ]
    write_table(path, rows, GOLDEN)


def write_policy_pairs(path: Path, pairs: Sequence[PolicyPair]) -> None:
    """What a tiny policy learns from."""
    write_table(path, [{"prompt": p.prompt, "response": p.response} for p in pairs], POLICY)


def read_policy_pairs(path: Path) -> list[PolicyPair]:
    """Pairs written by `write_policy_pairs`."""
    return [PolicyPair(row["prompt"], row["response"]) for row in _read(path, POLICY)]


def write_judge_pairs(path: Path, pairs: Sequence[JudgePair]) -> None:
    """What a tiny judge learns from; instructions as JSON."""
    rows = [
        {
            "instruction": p.instruction.model_dump_json(),
            "response": p.response,
            "followed": p.followed,
            "reason": p.reason,
            "broken": p.broken,
        }
        for p in pairs
    ]
    write_table(path, rows, JUDGE)


def read_judge_pairs(path: Path, hint: str = PREPARE) -> list[JudgePair]:
    """Judgements written by `write_judge_pairs`; a row that is no instruction is an `InputError`."""
    out = []
    for number, row in enumerate(_read(path, JUDGE, hint), 1):
        try:
            item = Instruction.model_validate_json(row["instruction"])
        except ValidationError as error:
            raise InputError(str(error).splitlines()[0], file=path, row=number, field="instruction") from None
        broken = row["broken"]
        if broken is not None and not 0 <= broken <= len(row["response"]):
            raise InputError(
                f"{broken} is no place in the response", file=path, row=number, field="broken", hint=hint
            )
        out.append(JudgePair(item, row["response"], row["followed"], row["reason"], broken))
    return out
