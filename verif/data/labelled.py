"""Responses that people labelled: the only truth about soft constraints that real data has.

A row is an instruction with its constraints in any form of `verif.core.rows` (or, in parquet, as JSON), and
two fields more: `response`, and `truth`, a list with true, false or null (not known) for each constraint in their
order. One true or false instead of the list speaks of all soft constraints together. Nothing is guessed: a false
over several constraints does not say which one fails, and is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verif.core.row_files import raw_rows
from verif.core.rows import Row, Where, parse, row, text_field
from verif.data.splits import GoldenItem
from verif.errors import InputError
from verif.types import Instruction, is_hard


def read_labelled(path: Path) -> list[GoldenItem]:
    """The rows of a labelled file; the first bad one is an `InputError` with file, row and field."""
    if not path.is_file():
        hint = "docs/audit.md says how to label responses; `data.labelled` in the recipe names the file."
        raise InputError("the file does not exist", file=path, hint=hint)
    items: list[GoldenItem] = []
    seen = FirstSeen()
    for where, raw in raw_rows(path):
        item = labelled(raw, where)
        if earlier := seen.add(where, item.instruction, item.response):
            raise where.error(
                f"the same response to {item.instruction.id!r} stands in row {earlier.row}", "response"
            )
        items.append(item)
    return items


@dataclass(slots=True)
class FirstSeen:
    """Where each instruction and each response stood first: an id names one instruction."""

    instructions: dict[str, tuple[Where, Instruction]] = field(default_factory=dict)
    responses: dict[tuple[str, str], Where] = field(default_factory=dict)

    def add(self, where: Where, instruction: Instruction, response: str) -> Where | None:
        """Where the same response stood before, None for a new one; `InputError` if its id is another instruction."""
        name = instruction.id
        first, known = self.instructions.setdefault(name, (where, instruction))
        if known != instruction:
            raise where.error(f"{name!r} is another instruction in row {first.row}", "id")
        earlier = self.responses.get((name, response))
        self.responses.setdefault((name, response), where)
        return earlier


def labelled(raw: Any, where: Where) -> GoldenItem:
    """One row, validated."""
    if not isinstance(raw, dict):
        raise where.error("must be a JSON object")
    rest = {key: value for key, value in raw.items() if key != "truth"}
    if isinstance(rest.get("instruction"), str):
        rest["instruction"] = parse(rest["instruction"].encode("utf-8", "surrogatepass"), where)
    response = text_field(rest, "response", where)
    parsed: Row = row(rest, where)
    if parsed.instruction is None or not parsed.instruction.constraints:
        raise where.error("has no constraints", "instruction")
    if "truth" not in raw:
        raise where.error("is missing", "truth")
    return GoldenItem(parsed.instruction, response, _truth(raw["truth"], parsed.instruction, where))


def _truth(value: Any, instruction: Instruction, where: Where) -> list[bool | None]:
    hard = [is_hard(constraint) for constraint in instruction.constraints]
    if isinstance(value, bool):
        soft = hard.count(False)
        if not soft:
            raise where.error("one value speaks of soft constraints, and there are none", "truth")
        if not value and soft > 1:
            hint = "Give a list, with null where you do not know."
            raise where.error(f"false for {soft} soft constraints does not say which fails", "truth", hint)
        return [None if by_rule else value for by_rule in hard]
    if not isinstance(value, list):
        raise where.error("must be a list, true or false", "truth")
    for index, verdict in enumerate(value):
        if index >= len(hard):
            raise where.error(f"there is no constraint {index}: there are {len(hard)}", f"truth.{index}")
        if not isinstance(verdict, bool | None):
            raise where.error("must be true, false or null", f"truth.{index}")
    if len(value) < len(hard):
        raise where.error(f"{len(value)} values for {len(hard)} constraints", "truth")
    return value
