"""Two evaluations taken apart: which prompts flipped, which constraint types gained and lost, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.errors import InputError
from verif.evaluation import verdicts
from verif.evaluation.case import VerdictRow
from verif.evaluation.scores import outcomes
from verif.evaluation.summary import families, paired
from verif.stats import PairedResult


@dataclass(frozen=True)
class Flip:
    """A prompt that one model followed in full and the other did not, with both rows of verdicts."""

    id: str
    prompt: str
    mended: bool
    before: tuple[VerdictRow, ...]
    after: tuple[VerdictRow, ...]


@dataclass(frozen=True)
class Diff:
    """The comparison of one benchmark in one mode."""

    benchmark: str
    mode: str
    total: PairedResult
    families: dict[str, Any]
    flips: tuple[Flip, ...]
    shared: int


def find(path: Path) -> Path:
    """The kept verdicts in a parquet file, an evaluation's folder, or a project's directory."""
    for place in (path, path / "verdicts.parquet", path / "reports" / "evaluation" / "verdicts.parquet"):
        if place.is_file():
            return place
    raise InputError("there are no kept verdicts here", file=path, hint="Run `dvc repro evaluate`.")


def side(path: Path, model: str) -> list[VerdictRow]:
    """The strict rows of one model."""
    rows = verdicts.read(find(path))
    own = [row for row in rows if row.model == model and row.variant == "strict"]
    if not own:
        known = ", ".join(sorted({row.model for row in rows})) or "none"
        raise InputError(f"no verdicts of model {model!r}", file=path, hint=f"Models there: {known}.")
    return own


def compare(old: Sequence[VerdictRow], new: Sequence[VerdictRow], samples: int = 10_000) -> list[Diff]:
    """Per benchmark and mode that both have, over the prompts that both were asked."""
    out = []
    for key in dict.fromkeys((row.benchmark, row.mode) for row in new):
        first = [row for row in old if (row.benchmark, row.mode) == key]
        second = [row for row in new if (row.benchmark, row.mode) == key]
        asked = {(row.id, row.prompt) for row in first} & {(row.id, row.prompt) for row in second}
        first, second = ([r for r in rows if (r.id, r.prompt) in asked] for rows in (first, second))
        if not asked:
            continue
        flips = flipped(first, second)
        total, types = paired(first, second, samples, 0), families(first, second, samples, 0)
        out.append(Diff(*key, total, types, tuple(flips), len({id for id, _ in asked})))
    return out


def flipped(old: Sequence[VerdictRow], new: Sequence[VerdictRow]) -> list[Flip]:
    """Prompts whose whole outcome changed, broken ones first."""
    before, after = ({o.id: o for o in outcomes(rows) if o.known} for rows in (old, new))
    out = []
    for id, outcome in after.items():
        if id in before and before[id].followed != outcome.followed:
            rows = [tuple(r for r in part if r.id == id and r.index >= 0) for part in (old, new)]
            out.append(Flip(id, rows[1][0].prompt, bool(outcome.followed), rows[0], rows[1]))
    return sorted(out, key=lambda flip: flip.mended)
