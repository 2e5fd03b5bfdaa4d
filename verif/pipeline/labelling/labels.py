"""What labellers answered: one file each, to which lines are added and from which none is taken away.

A label is on the disk before the next question is shown (`verif/system/kept_lines.py`). Of several labels of one question
the last counts: people go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter

from verif.core.score import dumps
from verif.errors import BusyError, InputError
from verif.system.kept_lines import KeptLines, read_kept, whole_bytes
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


_LABEL = TypeAdapter(Label)


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
    return {named(path.stem): _last(path) for path in sorted(folder.glob(f"*{ENDING}"))}


def _last(path: Path) -> dict[str, Label]:
    return {label.key: label for label in read_kept(path, _LABEL, "label", MOST_LINE)}


@dataclass(slots=True)
class LabelFile:
    """A labeller's file, open for adding; nobody else adds to it meanwhile."""

    path: Path
    lines: KeptLines
    labels: dict[str, Label]

    def add(self, label: Label) -> None:
        """Write a label and wait for the disk. `SetupError` if it could not be kept; the file is then as before."""
        self.lines.add(dumps(label.model_dump()))
        self.labels[label.key] = label


@contextmanager
def label_file(folder: Path, labeller: str) -> Iterator[LabelFile]:
    """The file of a labeller, made if it is missing; `BusyError` if another process has it open."""
    path = folder / f"{named(labeller)}{ENDING}"
    hint = "End the other `verif label`, or give another name with --as."
    busy = BusyError(f"{labeller} is labelling elsewhere ({path}).", hint)
    elsewhere, room = "Name a folder of yours with --labels.", "Make room, and press the key again."
    with KeptLines(path, "label", elsewhere=elsewhere, room=room, busy=busy) as lines:
        labels = _last(path)
        lines.cut(whole_bytes(path, MOST_LINE))
        yield LabelFile(path, lines, labels)
