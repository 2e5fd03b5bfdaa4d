"""How hard rows are for the policy that training starts from: the share of its samples that follow them.

`verif difficulty` measures it and writes it into the rows' `meta.difficulty` (`verif.pipeline.difficulty`). A row that the policy
always or never follows gives a group no variance, and so no gradient; `data.pass_rate` in the recipe leaves such rows out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from verif.types import Instruction

FIELD = "difficulty"
NEVER, ALWAYS, UNKNOWN = "never", "always", "not known"
BINS = (NEVER, "up to 25%", "25 to 50%", "50 to 75%", "over 75%", ALWAYS, UNKNOWN)
"""In which rows are counted; a bin holds its upper end."""


def pass_rate(instruction: Instruction) -> float | None:
    """The measured share of a row; None if it was not measured, or is none."""
    measured = instruction.meta.get(FIELD)
    rate = measured.get("pass_rate") if isinstance(measured, dict) else None
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= 1:
        return None
    return float(rate)


def bin_of(rate: float | None) -> str:
    """Where a rate is counted."""
    if rate is None:
        return UNKNOWN
    if rate in (0, 1):
        return ALWAYS if rate else NEVER
    return BINS[1 + sum(rate > end for end in (0.25, 0.5, 0.75))]


def distribution(instructions: Iterable[Instruction]) -> dict[str, int]:
    """Rows by bin; empty if no row was measured, so that such a file's report is as before."""
    counts = bin_counts(pass_rate(instruction) for instruction in instructions)
    return counts if sum(counts.values()) > counts[UNKNOWN] else {}


def bin_counts(rates: Iterable[float | None]) -> dict[str, int]:
    """How many rates are in each bin, in their order."""
    counts = Counter(map(bin_of, rates))
    return {name: counts[name] for name in BINS}


def outside(instruction: Instruction, bounds: tuple[float, float]) -> str:
    """Why a row's pass rate keeps it out of training; "" if it does not."""
    low, high = bounds
    rate = pass_rate(instruction)
    if (low, high) == (0, 1) or (rate is not None and low <= rate <= high):
        return ""
    if rate is None:
        return "its pass rate is not known, and data.pass_rate asks for one (`verif difficulty` measures it)"
    return f"the starting policy follows it in {rate:.0%} of its samples, outside data.pass_rate ({low:g} to {high:g})"


def marked(instruction: Instruction, told: dict[str, Any]) -> Instruction:
    """The row with what was measured of it."""
    return instruction.model_copy(update={"meta": {**instruction.meta, FIELD: told}})
