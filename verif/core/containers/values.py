"""The values of any file that holds rows, with their places; the kind of file is told by its first bytes, then its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        if start[:4] == b"PAR1" or start[:6] == b"ARROW1" or KINDS.get(suffix) in ("parquet", "arrow"):
            _seekable(name)
            read = tables.arrow if start[:6] == b"ARROW1" or KINDS.get(suffix) == "arrow" else tables.parquet
            rows: Iterator[tuple[int, Any]] = read(Path(name))
        elif KINDS.get(suffix) == "CSV":
            rows = tables.delimited(stream, file, "\t" if suffix == ".tsv" else ",")
        elif start[:1] == b"[":
            rows = json_list.elements(stream, file)
        else:
            rows = lines.lines(stream, file)
        for number, value in rows:
            yield file, number, value


def _seekable(name: str) -> None:
    """Parquet and arrow are read from their end or by mapping them: neither a pipe nor a packed file will do."""
    if name == "-" or Path(name).suffix.lower() in PACKED:
        raise InputError(
            "parquet and arrow cannot be read from a pipe or a packed file",
            file=shown(name), hint="Give the file itself.",
        )  # fmt: skip
