"""In which order a run draws its rows where they were measured (`train.draw: pass-rate`).

The reward of a row that is followed with probability p differs between rollouts by p(1 - p): that is the row's weight. Rows
are drawn without being put back, so that every row has its turn and a run that goes around begins again. The order is that
of a file, which veRL reads without shuffling: the same rows and seed give the same order, and a resumed run goes on in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from verif.core.instruction_files import read_instructions
from verif.data.difficulty import FIELD, pass_rate
from verif.errors import InputError
from verif.system.files import digest
from verif.system.tables import read_table, write_table
from verif.types import Instruction

UNKNOWN = 4.0
"""Samples that a rate counts for whose number is not known."""


def weight(instruction: Instruction) -> float | None:
    """The expected spread of a row's rewards, 0 to 0.25; None if the row was not measured.

    By Laplace's rule: of 0 in 8 samples one is still to be expected in ten, so that no row weighs nothing.
    """
    rate = pass_rate(instruction)
    if rate is None:
        return None
    decided = instruction.meta[FIELD].get("decided")
    known = (
        float(decided)
        if isinstance(decided, int) and not isinstance(decided, bool) and decided > 0
        else UNKNOWN
    )
    expected = (rate * known + 1) / (known + 2)
    return expected * (1 - expected)


def order(instructions: Sequence[Instruction], seed: int) -> list[int]:
    """Positions of the rows in the order in which they are drawn; rows not measured weigh as the mean of the others.

    `InputError` if none was measured. Weighted draws without putting back (Efraimidis and Spirakis 2006): the
    largest u ** (1 / weight) first, u being made of the seed and the row.
    """
    weights = [weight(instruction) for instruction in instructions]
    measured = [value for value in weights if value is not None]
    if not measured:
        raise InputError(
            "train.draw is pass-rate, and no row has a pass rate.",
            field="meta.difficulty",
            hint="Measure them with `verif difficulty`, or leave train.draw at uniform.",
        )
    mean = sum(measured) / len(measured)
    keys = [
        math.log(chance(seed, instruction)) / (mean if value is None else value)
        for instruction, value in zip(instructions, weights, strict=True)
    ]
    return sorted(range(len(keys)), key=lambda position: (-keys[position], position))


def chance(seed: int, instruction: Instruction) -> float:
    """A number above 0 and below 1, by digest: what else stands in the file changes nothing."""
    return (int(digest([seed, "draw", instruction.id, instruction.prompt])[:12], 16) + 0.5) / 16**12


def order_of(train: Path, seed: int) -> list[int]:
    """The order of a training file's rows; `InputError` names the file."""
    try:
        return order(read_instructions(train), seed)
    except InputError as error:
        raise InputError(
            error.problem, file=error.file or train, field=error.field, hint=error.hint
        ) from None


def drawn(train: Path, out: Path, seed: int) -> Path:
    """Write the rows of a training file in their order to `out`."""
    rows = read_table(train)
    write_table(out, [rows[place] for place in order_of(train, seed)])
    return out
