"""Every verdict kept: one parquet file, so that any number can be taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from verif.errors import InputError
from verif.evaluation.case import Row


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows atomically; texts that repeat are stored once (dictionary pages)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"str": pa.string(), "int": pa.int64(), "bool": pa.bool_()}
    schema = pa.schema([(field.name, types[str(field.type)]) for field in fields(Row)])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    plain = [{**asdict(row), "status": str(row.status)} for row in rows]
    try:
        pq.write_table(pa.Table.from_pylist(plain, schema), temporary, compression="zstd")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> list[Row]:
    """The rows of a file written by `write`; a missing, corrupt or foreign file is an `InputError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [field.name for field in fields(Row)]
    try:
        table = pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException, KeyError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"not a file of kept verdicts: {first}", file=path, hint="Run `dvc repro evaluate`."
        ) from None
    missing = set(names) - set(table.column_names)
    if missing:
        raise InputError("not a file of kept verdicts", file=path, field=min(missing))
    return [Row(**row) for row in table.to_pylist()]
