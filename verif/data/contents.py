"""What verif reads in a file of rows, counted as a stream: before anything is scored or trained with it."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from verif.core.rows import Row
from verif.system.files import digest
from verif.types import RuleConstraint, type_names


@dataclass(slots=True)
class Contents:
    """Counts over the rows of a file; lengths are characters of prompts, in the order read.

    `constraints` counts each type, `used_by` the instructions that hold it; `unknown` are rules that verif does not know.
    `repeated` counts instructions whose prompt stood before, `bare` those without a constraint.
    """

    instructions: int = 0
    responses: int = 0
    unfinished: int = 0
    bare: int = 0
    repeated: int = 0
    conversations: int = 0
    bad: int = 0
    constraints: Counter[str] = field(default_factory=Counter)
    used_by: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    _prompts: set[str] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Count a row; further responses to one instruction count as responses only."""
        if row.response is not None:
            self.responses += 1
            self.unfinished += not row.finished
        instruction = row.instruction
        if instruction is None or row.sample:
            return
        self.instructions += 1
        self.bare += not instruction.constraints
        self.conversations += bool(instruction.system or instruction.meta.get("history"))
        names = type_names(instruction)
        self.constraints.update(names)
        self.used_by.update(set(names))
        for constraint, params in zip(instruction.constraints, row.params, strict=True):
            if isinstance(constraint, RuleConstraint) and params is None:
                self.unknown.add(constraint.rule)
        self.lengths.append(len(instruction.prompt))
        key = digest([instruction.system, instruction.meta.get("history", []), instruction.prompt])
        self.repeated += key in self._prompts
        self._prompts.add(key)

    def length(self, share: float) -> int:
        """The prompt length that this share of the instructions does not exceed; 0 without instructions."""
        ordered = sorted(self.lengths)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0
