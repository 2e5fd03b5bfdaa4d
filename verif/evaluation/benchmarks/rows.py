"""Reading benchmark files, with errors that name file, row and field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson

from verif.core.row_files import raw_rows
from verif.errors import InputError
from verif.evaluation.case import Case

T = TypeVar("T")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row number from 1, row) of any kind of file that `verif.core.containers` knows, or of a folder of them."""
    if not path.exists():
        raise InputError("the benchmark's file does not exist", file=path, hint="Give `path` in the recipe.")
    for where, row in raw_rows(path):
        if not isinstance(row, dict):
            raise where.wanted("an object", row, "")
        yield where.row, row


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
