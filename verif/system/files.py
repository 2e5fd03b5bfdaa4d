"""Writing so that nothing is ever half-written, and digests of content."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from verif.errors import InputError, SetupError


def write_bytes(path: Path, data: bytes) -> None:
    """Write under a temporary name in the same folder, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Indented JSON with sorted keys, written atomically; the same value gives the same bytes."""
    options = (
        orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    )
    write_bytes(path, orjson.dumps(value, option=options))


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A stream to a file that appears at `path` only when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A fresh directory that appears at `path` only when the block succeeds (an old one is replaced)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def output(path: Path, option: str, inputs: Iterable[Path | str] = ()) -> Path:
    """A file that may be written, asked before the work: `InputError` for a folder, and for what is read in the same command.

    `SetupError` if its folder cannot be made, or is somebody else's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise InputError("is a folder, and a file is to be written", file=path, field=option)
        if path.exists() and any(Path(name).exists() and path.samefile(name) for name in inputs):
            hint = "Name another file."
            raise InputError("is read here, and would be lost", file=path, field=option, hint=hint)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        hint = f"Name another file with {option}."
        raise SetupError(f"{path} cannot be written: {error.strerror}.", hint) from None
    return path


def digest(value: Any) -> str:
    """SHA-256 (hex, 32 characters) of bytes, text, or anything JSON can hold."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if not isinstance(value, bytes):
        try:
            value = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
        except TypeError:  # lone surrogates and very large numbers: the standard library can write them
            value = json.dumps(value, sort_keys=True).encode("ascii")
    return hashlib.sha256(value).hexdigest()[:32]


def digest_code(*places: Path) -> str:
    """Digest of Python files, and of those below folders, by content and place; what the interpreter caches is left out."""
    files = [p for place in places for p in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return digest([[p.name, hashlib.sha256(p.read_bytes()).hexdigest()] for p in files])


def digest_tree(folder: Path) -> str:
    """Digest of a folder's file names and contents."""
    entries = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as stream:
            entries.append(
                [path.relative_to(folder).as_posix(), hashlib.file_digest(stream, "sha256").hexdigest()]
            )
    return digest(entries)


def digest_path(path: Path) -> str:
    """Digest of a folder's files, or of one file's bytes."""
    if path.is_dir():
        return digest_tree(path)
    with path.open("rb") as stream:
        return digest(hashlib.file_digest(stream, "sha256").hexdigest())
