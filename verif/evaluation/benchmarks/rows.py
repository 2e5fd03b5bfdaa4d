"""Reading benchmark files: JSON, JSON lines, CSV or parquet rows, with errors that name file, row and field."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson

from verif.errors import InputError
from verif.evaluation.case import Case

T = TypeVar("T")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number from 1, row) of a .json list, .jsonl, .csv or .parquet file."""
    if not path.is_file():
        raise InputError("the benchmark's file does not exist", file=path, hint="Give `path` in the recipe.")
    for number, row in enumerate(_rows(path), 1):
        if not isinstance(row, dict):
            raise InputError("a row must be an object", file=path, row=number)
        yield number, row


def _rows(path: Path) -> Iterator[Any]:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            yield from pq.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            csv.field_size_limit(10_000_000)
            with path.open(encoding="utf-8", newline="") as stream:
                yield from csv.DictReader(stream)
        elif path.suffix == ".json":
            whole = orjson.loads(path.read_bytes())
            if not isinstance(whole, list):
                raise InputError("the file must hold a list of rows", file=path)
            yield from whole
        else:
            for number, line in enumerate(path.read_bytes().splitlines(), 1):
                if line.strip():
                    try:
                        yield orjson.loads(line)
                    except orjson.JSONDecodeError as error:
                        raise InputError(f"not valid JSON: {error}", file=path, row=number) from None
    except (OSError, ValueError) as error:  # pyarrow's and orjson's errors are ValueErrors or OSErrors
        raise InputError(f"cannot be read: {str(error).splitlines()[0]}", file=path) from None


def need(row: dict[str, Any], name: str, kind: type[T], path: Path, number: int) -> T:
    """A field of the right type, or an `InputError`."""
    if name not in row:
        raise InputError("the field is missing", file=path, row=number, field=name)
    value = row[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(
            f"must be {kind.__name__}, is {type(value).__name__}", file=path, row=number, field=name
        )
    return value


def maybe_json(value: Any, name: str, path: Path, number: int) -> Any:
    """A value that may have been written as a JSON string (CSV columns are)."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InputError(f"not valid JSON: {error}", file=path, row=number, field=name) from None


def distinct(cases: list[Case], path: Path) -> list[Case]:
    """The cases, or an `InputError` at the first id that comes twice, or if there are none."""
    seen: set[str] = set()
    for number, case in enumerate(cases, 1):
        if case.id in seen:
            raise InputError(f"the id {case.id!r} comes twice", file=path, row=number, field="id")
        seen.add(case.id)
    if not cases:
        raise InputError("the file holds no rows", file=path)
    return cases
