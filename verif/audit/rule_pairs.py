"""Pairs of rules: a response that keeps a constraint, and the same with the least edit that breaks it. Code labels both.

The response is the row's own where it has one that keeps the constraint, else plain prose that the rule's edits made
keep it. Some rules, by their digest, are in `unseen` only; of the other splits each has instructions of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from verif.audit.mutations.base import prose
from verif.audit.mutations.generate import mutator
from verif.core.row_files import raw_rows
from verif.core.rows import rows as rows_of
from verif.core.rules import check, get, validate
from verif.core.text import Doc
from verif.data.judgements.pairs import JudgementPair
from verif.errors import InputError
from verif.system.files import digest
from verif.types import Instruction, RuleConstraint

SHARES = {"train": 70, "validation": 76, "test": 89, "golden": 100}
"""Splits of instructions, in hundredths of their digests' range, up to which each goes."""
HELD_OUT = 5
"""One rule in so many is in `unseen` only."""
TRIES = 30


@dataclass(frozen=True)
class BreakableRow:
    """An instruction, the place of a constraint that an edit can break, and the row's own response ("": none)."""

    instruction: Instruction
    place: int
    response: str


class RulePairs:
    """Pairs from a file of instructions in any form of `verif.core.rows`; `InputError` where none can be broken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, list[BreakableRow]] = {name: [] for name in (*SHARES, "unseen")}
        for breakable in _breakable(path):
            self._rows[_split_of(breakable)].append(breakable)
        if empty := [name for name, rows in self._rows.items() if not rows]:
            raise InputError(
                f"no constraint of code that an edit can break is left for {', '.join(empty)}",
                file=path,
                hint="Rows need constraints that a rule decides (`verif rules list`); give more rows.",
            )

    def draw(self, rng: random.Random, split: str) -> JudgementPair:
        """A pair whose two labels the rule confirms."""
        rows = self._rows[split]
        for _ in range(TRIES):
            if (pair := _pair(rng, rng.choice(rows))) is not None:
                return pair
        raise InputError(f"{TRIES} edits in a row broke nothing in the rows of {split}", file=self._path)

    def false(self, pair: JudgementPair, text: str) -> bool:
        """By the rule that was broken."""
        constraint = pair.instruction.constraints[pair.asked[0]]
        return isinstance(constraint, RuleConstraint) and not _keeps(constraint, text)


def _breakable(path: Path) -> list[BreakableRow]:
    breakable = []
    for where, raw in raw_rows(path):
        for read in rows_of(raw, where):
            constraints = read.instruction.constraints if read.instruction else ()
            for place, constraint in enumerate(constraints):
                if isinstance(constraint, RuleConstraint) and mutator(constraint.rule) is not None:
                    assert read.instruction is not None
                    breakable.append(BreakableRow(read.instruction, place, read.response or ""))
    return breakable


def _split_of(breakable: BreakableRow) -> str:
    constraint = breakable.instruction.constraints[breakable.place]
    assert isinstance(constraint, RuleConstraint)
    if int(digest(constraint.rule)[:8], 16) % HELD_OUT == 0:
        return "unseen"
    bucket = int(digest([breakable.instruction.system, breakable.instruction.prompt])[:8], 16) % 100
    return next(name for name, high in SHARES.items() if bucket < high)


def _pair(rng: random.Random, breakable: BreakableRow) -> JudgementPair | None:
    """A pair whose two labels the rule itself confirms, or None."""
    constraint = breakable.instruction.constraints[breakable.place]
    assert isinstance(constraint, RuleConstraint)
    edits, raw = mutator(constraint.rule), dict(constraint.params)
    assert edits is not None
    good = breakable.response
    if not _keeps(constraint, good):
        good = edits.repair(rng, good or prose(rng), raw)
    bad = edits.break_(rng, good, raw)
    if not _keeps(constraint, good) or _keeps(constraint, bad):
        return None
    return JudgementPair(breakable.instruction, (breakable.place,), good, bad, constraint.rule)


def _keeps(constraint: RuleConstraint, text: str) -> bool:
    params = validate(constraint.rule, constraint.params)
    return check(get(constraint.rule), Doc(text), params).ok
