"""JSON lines: one value a line, read as bytes; memory is bounded by the longest line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from verif.core.containers.streams import BROKEN
from verif.errors import InputError

#: A line longer than this is an error: no response is that long, and one line must fit into memory.
MAX_LINE = 256 << 20


def lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes | InputError]]:
    """Numbered lines without their ends, without a byte order mark, without blank ones."""
    number = 0
    while True:
        line = _read(stream, MAX_LINE + 1, file, number + 1)
        if not line:
            return
        number += 1
        if number == 1:
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise InputError("is UTF-16", file=file, hint="Convert the file to UTF-8.")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_LINE:
            yield number, InputError(f"is longer than {MAX_LINE >> 20} MB", file=file, row=number)
            while line and not line.endswith(b"\n"):
                line = _read(stream, 1 << 20, file, number)
            continue
        line = line.strip(b" \t\r\n")
        if line:
            yield number, line


def _read(stream: BinaryIO, most: int, file: str, number: int) -> bytes:
    """The rest of a line, at most so many bytes of it; "" at the end."""
    try:
        return stream.readline(most)
    except BROKEN as error:
        hint = "Is the file complete?"
        raise InputError(f"cannot be read on: {error}", file=file, row=number, hint=hint) from None
