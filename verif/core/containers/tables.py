"""Rows of parquet, arrow and CSV, a batch at a time."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from verif.core.containers import lines
from verif.core.containers.streams import BROKEN
from verif.errors import InputError, SetupError

BATCH = 64
"""Rows that are unpacked at once: a packed file of some kB can hold rows of any length."""
_ABSENT = "\0absent"


def _arrow(name: str) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise SetupError(f"{name} needs pyarrow to be read.", "pip install 'verif[judge]'") from None
    return pyarrow


def _first(error: BaseException) -> str:
    """The first line of a message; a library may leave it empty."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _distinct(names: Sequence[str], file: Path | str) -> None:
    """Of two columns with one name, a row could keep only the last."""
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise InputError(
            f"has more than one column {repeated[:60]!r}", file=file, hint="Rename or drop one of them."
        )


def _rows(batch: Any, file: str, before: int) -> list[dict[str, Any]]:
    """The rows of a batch, which stand behind so many; none is longer than a line of JSON may be."""
    if batch.nbytes > lines.MAX_LINE:
        for number in range(batch.num_rows):
            if batch.slice(number, 1).nbytes > lines.MAX_LINE:
                problem = f"is longer than {lines.MAX_LINE >> 20} MB"
                raise InputError(problem, file=file, row=before + number + 1)
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def parquet(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of a parquet file, which messages call by `name`."""
    pa = _arrow(name)
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _distinct(file.schema_arrow.names, name)
            for batch in file.iter_batches(batch_size=BATCH):
                for value in _rows(batch, name, number):
                    number += 1
                    yield number, value
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise InputError(f"cannot be read as parquet: {_first(error)}", file=name, row=number + 1) from None


def arrow(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of an arrow file, in the file form or the stream form (as `datasets` writes it)."""
    pa = _arrow(name)
    number = 0
    try:
        with pa.memory_map(str(path)) as source:
            if source.read(6) == b"ARROW1":
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                source.seek(0)
                reader = pa.ipc.open_stream(source)
                batches = iter(reader)
            _distinct(reader.schema.names, name)
            for batch in batches:
                batch.validate(
                    full=True
                )  # the file's own offsets say what is read: a false one ends the process
                for start in range(0, batch.num_rows, BATCH):
                    for value in _rows(batch.slice(start, BATCH), name, number):
                        number += 1
                        yield number, value
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise InputError(f"cannot be read as arrow: {_first(error)}", file=name, row=number + 1) from None


class _Lines:
    """Lines of a text; those of one row together are no longer than `lines.MAX_LINE`, as in a file of JSON lines."""

    def __init__(self, text: io.TextIOWrapper, file: str) -> None:
        self.text, self.file, self.row, self.left = text, file, 1, lines.MAX_LINE

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.text.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise InputError(f"is longer than {lines.MAX_LINE >> 20} MB", file=self.file, row=self.row)
        if not line:
            raise StopIteration
        return line

    def next_row(self) -> None:
        """A row is read: the next may be as long again."""
        self.row, self.left = self.row + 1, lines.MAX_LINE


def delimited(stream: BinaryIO, file: str, delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered rows of CSV with a header; an empty cell is null."""
    csv.field_size_limit(lines.MAX_LINE)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    bounded, number = _Lines(text, file), 0
    try:
        reader = csv.DictReader(bounded, delimiter=delimiter, strict=True, restval=_ABSENT)
        _distinct(reader.fieldnames or (), file)
        bounded.left = lines.MAX_LINE
        for number, cells in enumerate(reader, 1):
            bounded.next_row()
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
        if not stream.closed:  # a reader that was left half-way is collected later than its file is closed
            text.detach()
