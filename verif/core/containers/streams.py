"""A file or a pipe as a stream of bytes, unpacked: gzip, bzip2, xz and zstd are known by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from verif.errors import InputError, SetupError

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zstd")
"""Endings that say nothing of what is inside."""
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What a damaged packed file raises while it is read."""
_BUFFER = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"


def shown(name: str) -> str:
    """What messages call a file; `-` is standard input."""
    return "standard input" if name == "-" else name


@contextmanager
def opened(name: str) -> Iterator[io.BufferedReader]:
    """The bytes of a file, or of standard input for `-`, unpacked; it is closed at the end."""
    raw = _raw(name)
    try:
        yield _unpacked(raw, name)
    finally:
        if name != "-":
            raw.close()


def _raw(name: str) -> Any:
    try:
        stream: Any = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=name) from None
    return stream if hasattr(stream, "peek") else io.BufferedReader(stream, _BUFFER)


def _unpacked(stream: Any, name: str) -> io.BufferedReader:
    try:
        start = stream.peek(6)[:6]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=shown(name)) from None
    inner: BinaryIO
    if start[:2] == b"\x1f\x8b":
        inner = gzip.GzipFile(fileobj=stream)  # type: ignore[assignment]
    elif start[:3] == b"BZh":
        inner = bz2.BZ2File(stream)  # type: ignore[assignment]
    elif start == b"\xfd7zXZ\x00":
        inner = lzma.LZMAFile(stream)  # type: ignore[assignment]  # noqa: SIM115
    elif start[:4] == _ZSTD:
        inner = _zstd(stream, name)
    else:
        return stream  # type: ignore[no-any-return]
    return io.BufferedReader(inner, _BUFFER)  # type: ignore[arg-type]


def _zstd(stream: Any, name: str) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise SetupError(
            f"{shown(name)} is packed with zstd, which needs pyarrow.", "pip install 'verif[judge]'"
        ) from None
    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
