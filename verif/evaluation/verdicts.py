"""Every verdict kept: one parquet file, so that any number can be taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from verif.evaluation.case import VerdictRow
from verif.system.tables import read_table, write_table


def write(path: Path, rows: Sequence[VerdictRow]) -> None:
    """Write rows atomically; texts that repeat are stored once (dictionary pages)."""
    kinds = {"str": "string", "int": "int", "bool": "bool"}
    columns = {field.name: kinds[str(field.type)] for field in fields(VerdictRow)}
    write_table(
        path, [{**asdict(row), "status": str(row.status)} for row in rows], columns, compression="zstd"
    )


def read(path: Path) -> list[VerdictRow]:
    """The rows of a file written by `write`; a missing, corrupt or foreign file is an `InputError`."""
    names = [field.name for field in fields(VerdictRow)]
    return [
        VerdictRow(**row)
        for row in read_table(path, names, what="kept verdicts", hint="Run `dvc repro evaluate`.")
    ]
