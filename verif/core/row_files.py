"""Files of rows, read as a stream: JSON lines (plain, gzip, standard input) and parquet.

Memory stays bounded by the longest line. A line that cannot be read is an error, or, with `on_bad`, is
reported and skipped.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from verif.core.rows import Row, Where, parse, row
from verif.errors import InputError, SetupError

#: A line longer than this is an error: no response is that long, and one line must fit into memory.
MAX_LINE = 256 << 20
OnBad = Callable[[InputError], None]


def read_rows(path: Path | str, on_bad: OnBad | None = None) -> Iterator[Row]:
    """Rows of a file; `-` is standard input. Without `on_bad` the first bad row raises."""
    for where, value in _values(str(path)):
        try:
            yield row(_raw(value, where), where)
        except InputError as error:
            if on_bad is None:
                raise
            on_bad(error)


def raw_rows(path: Path | str) -> Iterator[tuple[Where, Any]]:
    """The same rows as they stand, for readers that want more fields of them; the first unreadable one raises."""
    for where, value in _values(str(path)):
        yield where, _raw(value, where)


def _raw(value: Any, where: Where) -> Any:
    if isinstance(value, InputError):
        raise value
    return parse(value, where) if isinstance(value, bytes) else value


def _values(name: str) -> Iterator[tuple[Where, Any]]:
    """Lines as bytes, rows of parquet as mappings, lines that cannot be read as errors."""
    if name != "-" and name.endswith((".parquet", ".pq")):
        for number, value in _parquet(Path(name)):
            yield Where(name, number), value
        return
    with _open(name) as stream:
        for number, line in _lines(stream, name):
            yield Where("standard input" if name == "-" else name, number), line


def _open(name: str) -> BinaryIO:
    """The byte stream of a file or standard input; gzip is recognised by its first bytes."""
    try:
        raw: Any = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=name) from None
    buffered = io.BufferedReader(raw, 1 << 20) if not hasattr(raw, "peek") else raw
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered), 1 << 20)  # type: ignore[arg-type]
    return buffered  # type: ignore[no-any-return]


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes | InputError]]:
    """Numbered lines without their ends, without a byte order mark, without blank ones."""
    number = 0
    where = "standard input" if name == "-" else name
    while True:
        try:
            line = stream.readline(MAX_LINE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"cannot be read on: {error}", file=where, row=number + 1, hint="Is the file complete?"
            ) from None
        if not line:
            return
        number += 1
        if number == 1:
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise InputError("is UTF-16", file=where, hint="Convert the file to UTF-8.")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_LINE:
            yield number, InputError(f"is longer than {MAX_LINE >> 20} MB", file=where, row=number)
            while line and not line.endswith(b"\n"):
                line = stream.readline(1 << 20)
            continue
        line = line.strip(b" \t\r\n")
        if line:
            yield number, line


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a parquet file, a thousand at a time."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise SetupError(f"{path} is parquet, which needs pyarrow.", "pip install 'verif[judge]'") from None
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                for value in batch.to_pylist():
                    number += 1
                    yield number, value
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"cannot be read as parquet: {error}", file=path, row=number + 1) from None


def join(instructions: Path | str, responses: Path | str, on_bad: OnBad | None = None) -> Iterator[Row]:
    """Rows of two files joined by prompt: the instructions are held in memory, the responses stream.

    An instruction may have several responses, and several instructions may share a prompt. A response whose
    prompt is unknown is a bad row.
    """
    known: dict[str, list[Row]] = {}
    for item in read_rows(instructions, on_bad):
        if item.instruction is None:
            problem = item.where.error("has no constraints", hint="The first file holds the instructions.")
            if on_bad is None:
                raise problem
            on_bad(problem)
            continue
        known.setdefault(item.prompt, []).append(item)
    for item in read_rows(responses, on_bad):
        matches = known.get(item.prompt, [])
        if not matches or item.response is None:
            problem = (
                item.where.error("has no response", "response")
                if item.response is None
                else item.where.error(f"no instruction of {instructions} has this prompt", "prompt")
            )
            if on_bad is None:
                raise problem
            on_bad(problem)
        for match in matches if item.response is not None else ():
            yield Row(item.where, match.id, match.prompt, match.instruction, match.params, item.response)
