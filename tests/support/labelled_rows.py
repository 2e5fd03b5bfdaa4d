"""Rows to be labelled, and labels of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verif.core.row_files import read_rows
from verif.pipeline.labelling.labels import Label, LabelFile, label_file
from verif.pipeline.labelling.questions import ToLabel, read_questions

CALM = {"kind": "soft", "text": "Be calm.", "dimension": "tone"}
COLOUR = {"kind": "soft", "text": "Name a colour.", "dimension": "content"}
NO_COMMA = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}
ROWS = [
    {
        "id": "boat",
        "prompt": "Describe the boat.",
        "constraints": [CALM, NO_COMMA, COLOUR],
        "response": "A blue boat.",
    },
    {
        "id": "boat",
        "prompt": "Describe the boat.",
        "constraints": [CALM, NO_COMMA, COLOUR],
        "response": "A boat!",
    },
    {"id": "sea", "prompt": "Describe the sea.", "constraints": [CALM], "response": "It is wide."},
]


def rows_file(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    """A file of rows."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (ROWS if rows is None else rows)))
    return path


def to_label(path: Path, **options: Any) -> ToLabel:
    """What is asked about the rows of a file."""
    return read_questions(read_rows(path), str(path), **options)


def answer(kept: LabelFile, asked: ToLabel, *said: str) -> None:
    """Label questions in the order of the rows; an empty text leaves one open."""
    for question, label in zip(asked.questions(), said, strict=False):
        if label:
            kept.add(Label(key=question.key, label=label))


def labelled(folder: Path, asked: ToLabel, name: str, *said: str) -> None:
    """The same, in a file of a labeller."""
    with label_file(folder, name) as kept:
        answer(kept, asked, *said)
