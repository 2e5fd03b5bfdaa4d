"""The values of any file that holds rows, with their places; the kind of file is told by its first bytes, then its name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from verif.core.containers import json_list, lines, tables
from verif.core.containers.streams import BROKEN, PACKED, opened, shown
from verif.errors import InputError

KINDS = {
    ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".json": "JSON", ".csv": "CSV", ".tsv": "CSV",
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
BESIDE = ("dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json")
"""What `datasets` writes beside its shards."""
MOST_SHARDS = 100_000
MOST_COPIED = 8 << 30
"""Bytes of a piped or packed table, which is copied to disk."""
ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
"""How arrow begins, in the file form and in the stream form."""
_HINT = (
    "Known are JSON lines, JSON lists, CSV, parquet and arrow; plain, or packed with gzip, bzip2, xz or zstd."
)


def values(name: str) -> Iterator[tuple[str, int, Any]]:
    """(file, row from 1, value): bytes of a JSON line, a mapping, or an `InputError` for a line that cannot be read."""
    if name != "-" and Path(name).is_dir():
        for shard in shards(Path(name)):
            yield from _file(str(shard))
        return
    yield from _file(name)


def shards(folder: Path) -> list[Path]:
    """The files of a folder that hold rows, by name; all must be of one kind."""
    kept = [path for path in sorted(folder.rglob("*")) if _kind(path) and path.is_file()]
    chosen = [path for path in kept if path.name not in BESIDE and not path.name.startswith(".")]
    kinds = sorted({_kind(path) for path in chosen})
    if not chosen:
        raise InputError("cannot be read: the folder holds no file of rows", file=folder, hint=_HINT)
    if len(kinds) > 1 or len(chosen) > MOST_SHARDS:
        what = f"{len(chosen):,} files" if len(kinds) == 1 else f"files of {' and '.join(kinds)}"
        raise InputError(
            f"the folder holds {what}", file=folder, hint="Name the file, or a folder of one kind."
        )
    return chosen


def _kind(path: Path) -> str:
    return KINDS.get(_suffix(path.name), "")


def _suffix(name: str) -> str:
    """The ending of a name, that of a packed file without the packing."""
    path = Path(name.lower())
    return Path(path.stem).suffix if path.suffix in PACKED else path.suffix


def _file(name: str) -> Iterator[tuple[str, int, Any]]:
    file, suffix = shown(name), _suffix(name)
    with opened(name) as stream:
        try:
            start = stream.peek(64)[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
        except BROKEN as error:
            raise InputError(f"cannot be read: {error}", file=file, hint="Is the file complete?") from None
        is_arrow = start.startswith(ARROW) or KINDS.get(suffix) == "arrow"
        if is_arrow or start[:4] == b"PAR1" or KINDS.get(suffix) == "parquet":
            rows: Iterator[tuple[int, Any]] = _table(
                name, stream, tables.arrow if is_arrow else tables.parquet
            )
        elif KINDS.get(suffix) == "CSV":
            rows = tables.delimited(stream, file, "\t" if suffix == ".tsv" else ",")
        elif start[:1] == b"[":
            rows = json_list.elements(stream, file)
        else:
            rows = lines.lines(stream, file)
        for number, value in rows:
            yield file, number, value


def _table(name: str, stream: BinaryIO, read: Callable[[Path, str], Iterator[Any]]) -> Iterator[Any]:
    """Parquet and arrow are read from their end or by mapping them: what is piped or packed is copied to disk first."""
    if name != "-" and Path(name).is_file() and Path(name).suffix.lower() not in PACKED:
        yield from read(Path(name), name)
        return
    file, copied = shown(name), 0
    with tempfile.NamedTemporaryFile(prefix="verif-rows-") as copy:
        try:
            while chunk := stream.read(1 << 20):
                copied += len(chunk)
                if copied > MOST_COPIED:
                    problem = f"holds more than {MOST_COPIED >> 30} GB, which is too much for a pipe or a packed file"
                    raise InputError(problem, file=file, hint="Give the file itself.")
                copy.write(chunk)
            copy.flush()
        except BROKEN as error:
            raise InputError(f"cannot be read: {error}", file=file, hint="Is the file complete?") from None
        yield from read(Path(copy.name), file)
