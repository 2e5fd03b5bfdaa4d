"""Parquet tables: the one writer, which never leaves half a file, and the one reader, which says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verif.errors import InputError
from verif.system.files import new_file

#: What a column may hold; spelt out, an empty table keeps its form.
KINDS = ("string", "int", "float", "bool", "bools")


def write_table(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | None = None,
    compression: str = "snappy",
) -> None:
    """Write rows; `columns` maps a column to one of `KINDS`, else the rows' own values decide."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "bools": pa.list_(pa.bool_())
    }  # fmt: skip
    schema = None if columns is None else pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with new_file(path) as stream:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), stream, compression=compression)


def read_table(
    path: Path, columns: Sequence[str] | None = None, *, what: str = "parquet", hint: str = ""
) -> list[dict[str, Any]]:
    """The rows of a table; a file that is none, or lacks a column, is an `InputError` that names it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=None if columns is None else list(columns))
        rows: list[dict[str, Any]] = table.to_pylist()
    except (OSError, ValueError, pa.ArrowException, KeyError) as error:  # ValueError: text that is no UTF-8
        first = str(error).splitlines()[0]
        raise InputError(f"cannot read {what}: {first}", file=path, hint=hint) from None
    if missing := set(columns or ()) - set(table.column_names):
        raise InputError(
            f"cannot read {what}: the column is missing", file=path, field=min(missing), hint=hint
        )
    return rows
