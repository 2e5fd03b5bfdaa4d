"""The further tables of `prepare` on disk: golden responses, and pairs to train tiny models on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.data.splits import GoldenItem, JudgePair, PolicyPair
from verif.errors import InputError
from verif.types import Instruction

# Column -> type; spelt out so that an empty table keeps its form.
GOLDEN = {"instruction": "string", "response": "string", "truth": "bools"}
POLICY = {"prompt": "string", "response": "string"}
JUDGE = {"instruction": "string", "response": "string", "followed": "bool", "reason": "string"}


def _write(path: Path, rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "bool": pa.bool_(), "bools": pa.list_(pa.bool_())}
    table = pa.Table.from_pylist(
        rows, schema=pa.schema([(name, types[kind]) for name, kind in columns.items()])
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        pq.write_table(table, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path, columns: dict[str, str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=list(columns)).to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"cannot read parquet: {error}", file=path, hint="Run `dvc repro prepare`."
        ) from None
    for number, row in enumerate(rows, 1):
        for name in columns:
            if row.get(name) is None:
                raise InputError("the value is missing", file=path, row=number, field=name)
    return rows


def write_golden(path: Path, items: Sequence[GoldenItem]) -> None:
    """Responses with the truth per constraint; instructions as JSON."""
    rows = [
        {"instruction": i.instruction.model_dump_json(), "response": i.response, "truth": i.truth}
        for i in items
    ]
    _write(path, rows, GOLDEN)


def write_policy_pairs(path: Path, pairs: Sequence[PolicyPair]) -> None:
    """What a tiny policy learns from."""
    _write(path, [{"prompt": p.prompt, "response": p.response} for p in pairs], POLICY)


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
        }
        for p in pairs
    ]
    _write(path, rows, JUDGE)


def read_judge_pairs(path: Path) -> list[JudgePair]:
    """Judgements written by `write_judge_pairs`; a row that is no instruction is an `InputError`."""
    out = []
    for number, row in enumerate(_read(path, JUDGE), 1):
        try:
            item = Instruction.model_validate_json(row["instruction"])
        except ValidationError as error:
            raise InputError(str(error).splitlines()[0], file=path, row=number, field="instruction") from None
        out.append(JudgePair(item, row["response"], row["followed"], row["reason"]))
    return out
