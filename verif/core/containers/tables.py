"""Rows of parquet, arrow and CSV, a batch at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from verif.core.containers import lines
from verif.core.containers.streams import BROKEN
from verif.errors import InputError, SetupError

BATCH = 1000
_ABSENT = "\0absent"


def _arrow(path: Path) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise SetupError(f"{path} needs pyarrow to be read.", "pip install 'verif[judge]'") from None
    return pyarrow


def parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of a parquet file."""
    pa = _arrow(path)
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for value in batch.to_pylist():
                    number += 1
                    yield number, value
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"cannot be read as parquet: {first}", file=path, row=number + 1) from None


def arrow(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of an arrow file, in the file form or the stream form (as `datasets` writes it)."""
    pa = _arrow(path)
    number = 0
    try:
        with pa.memory_map(str(path)) as source:
            if source.read(6) == b"ARROW1":
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                source.seek(0)
                batches = iter(pa.ipc.open_stream(source))
            for batch in batches:
                for start in range(0, batch.num_rows, BATCH):
                    for value in batch.slice(start, BATCH).to_pylist():
                        number += 1
                        yield number, value
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"cannot be read as arrow: {first}", file=path, row=number + 1) from None


def delimited(stream: BinaryIO, file: str, delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of CSV with a header; an empty cell is null."""
    csv.field_size_limit(lines.MAX_LINE)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    number = 0
    try:
        for number, cells in enumerate(
            csv.DictReader(text, delimiter=delimiter, strict=True, restval=_ABSENT), 1
        ):
            if None in cells:
                raise InputError("has more cells than the header has names", file=file, row=number)
            if _ABSENT in cells.values():
                raise InputError("has fewer cells than the header has names", file=file, row=number)
            yield number, {name: value or None for name, value in cells.items()}
    except UnicodeDecodeError as error:
        hint = "Convert the file to UTF-8."
        raise InputError(f"is not UTF-8 ({error.reason})", file=file, row=number + 1, hint=hint) from None
    except csv.Error as error:
        raise InputError(f"is not CSV: {error}", file=file, row=number + 1) from None
    except BROKEN as error:
        hint = "Is the file complete?"
        raise InputError(f"cannot be read on: {error}", file=file, row=number + 1, hint=hint) from None
    finally:
        text.detach()
