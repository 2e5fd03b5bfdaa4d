"""What labellers answered: one file each, to which lines are added and from which none is taken away.

A label is on the disk before the next question is shown. A process that is killed leaves whole lines and at most one that
was cut; that one was never confirmed, so it is dropped when its labeller goes on. Of several labels of one question the
last counts: people go back.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field, ValidationError

from verif.core.score import dumps
from verif.errors import BusyError, InputError, SetupError
from verif.types import Frozen

MOST_NAME = 40
MOST_NOTE = 2_000
MOST_LINE = 1 << 16
ENDING = ".jsonl"

Answered = Literal["pass", "fail", "unknown"]


class Label(Frozen):
    """One answer: the question's key, what was said, and what the labeller wrote beside it. `seconds`: how long it took."""

    key: str = Field(min_length=1, max_length=64)
    label: Answered
    note: str = Field("", max_length=MOST_NOTE)
    seconds: float = Field(0.0, ge=0, allow_inf_nan=False)


def named(labeller: str) -> str:
    """The name, if a file can be called by it; `InputError` otherwise."""
    letters = labeller.replace("_", "").replace("-", "")
    plain = labeller[:1].isalnum() and labeller.isascii() and letters.isalnum()
    if not plain or len(labeller) > MOST_NAME:
        raise InputError(
            f"a labeller cannot be called {labeller[:60]!r}", hint="Take up to 40 of A-Z, a-z, 0-9, _ and -."
        )
    return labeller


def read_labels(folder: Path) -> dict[str, dict[str, Label]]:
    """Labels by labeller and key, the last of each key; `InputError` names file and row of a line that is none."""
    paths = sorted(folder.glob(f"*{ENDING}"))
    return {named(path.stem): _last(_lines(path)) for path in paths}


def _last(labels: Iterator[Label]) -> dict[str, Label]:
    return {label.key: label for label in labels}


def _lines(path: Path) -> Iterator[Label]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MOST_LINE):
            number += 1
            if not line.endswith(b"\n"):
                if len(line) >= MOST_LINE:
                    raise InputError("is no label: the line is too long", file=path, row=number)
                return  # cut by a kill, or being written now
            try:
                yield Label.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                name = ".".join(map(str, first["loc"]))
                raise InputError(f"is no label: {first['msg']}", file=path, row=number, field=name) from None


@dataclass(slots=True)
class LabelFile:
    """A labeller's file, open for adding; nobody else adds to it meanwhile."""

    path: Path
    stream: BinaryIO
    labels: dict[str, Label]

    def add(self, label: Label) -> None:
        """Write a label and wait for the disk. `SetupError` if it could not be kept; the file is then as before."""
        end = self.stream.seek(0, os.SEEK_END)
        line = dumps(label.model_dump())
        try:
            if self.stream.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self.stream.fileno())
        except OSError as error:
            _cut(self.stream, end)
            hint = "Make room, and press the key again."
            raise SetupError(f"the label could not be kept in {self.path}: {error.strerror}.", hint) from None
        self.labels[label.key] = label


def _cut(stream: BinaryIO, end: int) -> None:
    stream.truncate(end)
    stream.seek(end)


@contextmanager
def label_file(folder: Path, labeller: str) -> Iterator[LabelFile]:
    """The file of a labeller, made if it is missing; `BusyError` if another process has it open."""
    path = folder / f"{named(labeller)}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        hint = "Name a folder of yours with --labels."
        raise SetupError(f"labels cannot be kept in {path}: {error.strerror}.", hint) from None
    with os.fdopen(handle, "r+b", buffering=0) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "End the other `verif label`, or give another name with --as."
            raise BusyError(f"{labeller} is labelling elsewhere ({path}).", hint) from None
        labels = _last(_lines(path))
        _cut(stream, _whole(path))
        yield LabelFile(path, stream, labels)


def _whole(path: Path) -> int:
    """The length of the file up to the end of its last whole line."""
    with path.open("rb") as stream:
        end = 0
        while line := stream.readline(MOST_LINE):
            if line.endswith(b"\n"):
                end = stream.tell()
        return end
