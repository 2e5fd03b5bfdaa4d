"""Files to which lines are added and from which none is taken away; a line that was added survives `kill -9`.

One process adds at a time. A line is on the disk before `add` returns. Whatever ends the process leaves whole lines and at
most one that was cut; nobody was told that it is kept, so it is dropped when the file is opened again. What a full disk cut
is undone at once, so that later lines never join half of one.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from verif.errors import BusyError, InputError, SetupError

T = TypeVar("T")


class KeptLines:
    """A file that is open for adding, made with its folder if it is missing; its owner alone may read it.

    `what` names a line, for messages; `elsewhere`, `room` and `busy` say what to do where the file cannot be opened, where
    the disk is full, and who has it open. `SetupError` if it cannot be opened (a link never is), `BusyError` if another
    process holds it.
    """

    def __init__(self, path: Path, what: str, *, elsewhere: str, room: str, busy: BusyError) -> None:
        self.path, self._what, self._room = path, what, room
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SetupError(f"{what}s cannot be kept in {path}: {error.strerror}.", elsewhere) from None
        self._stream = os.fdopen(handle, "r+b", buffering=0)
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            raise busy from None

    def __enter__(self) -> KeptLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, line: bytes, *, wait: bool = True) -> None:
        """Write a line, its end included, and `wait` for the disk. `SetupError` if it could not be kept: all is as before."""
        end = self._stream.seek(0, os.SEEK_END)
        try:
            if self._stream.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if wait:
                self.settle()
        except OSError as error:
            self.cut(end)
            problem = f"the {self._what} could not be kept in {self.path}: {error.strerror}."
            raise SetupError(problem, self._room) from None

    def cut(self, end: int) -> None:
        """Drop everything from byte `end` on."""
        self._stream.truncate(end)

    def settle(self) -> None:
        """Wait until everything is on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Let go of the file; others may add to it."""
        self._stream.close()


def whole_lines(path: Path, most: int) -> Iterator[bytes]:
    """The lines of a file, ends included, up to one that was cut or is being written.

    A line of more than `most` bytes is given out cut after `most`: it is the last, and has no end.
    """
    with path.open("rb") as stream:
        while line := stream.readline(most):
            if line.endswith(b"\n"):
                yield line
                continue
            if len(line) >= most:
                yield line
            return


def read_kept(path: Path, kind: TypeAdapter[T], what: str, most: int, hint: str = "") -> Iterator[T]:
    """Every whole line as a value; `InputError` names file, row and field of one that is no `what`."""
    for number, line in enumerate(whole_lines(path, most), 1):
        if not line.endswith(b"\n"):
            raise InputError(f"is no {what}: the line is too long", file=path, row=number, hint=hint)
        try:
            yield kind.validate_json(line)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, problem["loc"]))
            said = f"is no {what}: {problem['msg']}"
            raise InputError(said, file=path, row=number, field=field, hint=hint) from None


def whole_bytes(path: Path, most: int) -> int:
    """How long a file is up to the end of its last whole line."""
    return sum(len(line) for line in whole_lines(path, most) if line.endswith(b"\n"))
