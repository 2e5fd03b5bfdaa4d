"""From labels to the rows that `data.labelled` of a recipe names (`verif.data.labelled` reads them).

A constraint is true or false where all who answered say so, and null where they differ or one could not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.core.score import dumps
from verif.errors import InputError
from verif.pipeline.labelling.labels import Label
from verif.pipeline.labelling.questions import Judged, ToLabel
from verif.system.files import new_file
from verif.types import is_hard


@dataclass(slots=True)
class Exported:
    """What was written. `undecided` responses have no label that holds, and are left out; `single` labels are one person's."""

    rows: int = 0
    undecided: int = 0
    true: int = 0
    false: int = 0
    differ: int = 0
    unsaid: int = 0
    single: int = 0
    kept: int = 0
    failed: int = 0


def export(to_label: ToLabel, labels: Mapping[str, Mapping[str, Label]], out: Path) -> Exported:
    """Write the labelled rows; `InputError` if nothing is decided, and `out` is then as before."""
    told = Exported()
    lines = []
    for judged in to_label.responses:
        asked = {question.constraint for question in to_label.asked(judged)}
        truth = [
            _held(judged.keys[n], labels.values(), told) if n in asked else None
            for n in range(len(judged.keys))
        ]
        if all(value is None for value in truth):
            told.undecided += 1
            continue
        _count(judged, truth, told)
        row = {
            "instruction": judged.instruction.model_dump(mode="json"),
            "response": judged.response,
            "truth": truth,
        }
        lines.append(dumps(row))
    if not lines:
        raise InputError("nothing is labelled yet.", hint="Label first: verif label ROWS --as NAME.")
    with new_file(out) as stream:
        stream.writelines(lines)
    return told


def _held(key: str, labellers: Iterable[Mapping[str, Label]], told: Exported) -> bool | None:
    """What all labellers of a question say of it."""
    said = [labels[key].label for labels in labellers if key in labels]
    if not said:
        return None
    told.single += len(said) == 1
    if "unknown" in said:
        told.unsaid += 1
        return None
    if len(set(said)) > 1:
        told.differ += 1
        return None
    told.true += said[0] == "pass"
    told.false += said[0] == "fail"
    return said[0] == "pass"


def _count(judged: Judged, truth: list[bool | None], told: Exported) -> None:
    """Of responses the audit wants 20 that keep all soft constraints and 20 that do not."""
    told.rows += 1
    soft = [value for value, c in zip(truth, judged.instruction.constraints, strict=True) if not is_hard(c)]
    told.failed += False in soft
    told.kept += bool(soft) and all(soft)
