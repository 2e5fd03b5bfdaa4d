"""Published verdicts on disk, one question for each: IFEval's result files and lm-eval's samples.

A result file (`follow_instruction_list`) holds no parameters, so that its rows are joined by prompt with the file of
instructions. lm-eval's samples (`inst_level_strict_acc`, `inst_level_loose_acc`) hold all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from verif.core.row_files import OnBad, raw_rows, read_rows
from verif.core.rows import Row, Where, row
from verif.errors import InputError
from verif.types import RuleConstraint

VERDICTS = {False: ("follow_instruction_list", "inst_level_strict_acc"),
            True: ("follow_instruction_list", "inst_level_loose_acc")}  # fmt: skip
"""Fields that may hold the verdicts, for strict and for loose checking."""
Known = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Question:
    """One constraint of one response, and whether it is published as followed."""

    where: Where
    rule: str
    params: dict[str, Any]
    prompt: str
    response: str
    followed: bool


def questions(
    files: Iterable[str], instructions: str | None, *, loose: bool = False, on_bad: OnBad | None = None
) -> Iterator[Question]:
    """Every published verdict of the files. A row that cannot be read is an `InputError`, or goes to `on_bad`."""
    known: Known = {}
    if instructions is not None:
        for asked in read_rows(instructions, on_bad, strict_types=False):
            if asked.instruction is not None:
                known.setdefault(asked.prompt, []).append(asked)
    for file in files:
        for where, raw in raw_rows(file):
            try:
                yield from _questions(raw, where, known, loose)
            except InputError as error:
                if on_bad is None:
                    raise
                on_bad(error)


def _questions(raw: Any, where: Where, known: Known, loose: bool) -> list[Question]:
    field, verdicts = _verdicts(raw, where, loose)
    said = row(raw, where, strict_types=False)
    if said.response is None:
        raise where.error("has no response", "response")
    asked = said if said.instruction is not None else _joined(said, raw, where, known)
    assert asked.instruction is not None
    constraints = asked.instruction.constraints
    if len(constraints) != len(verdicts):
        raise where.error(f"has {len(verdicts)} verdicts for {len(constraints)} constraints", field)
    return [
        Question(where, constraint.rule, constraint.params, asked.prompt, said.response, verdict)
        for constraint, verdict in zip(constraints, verdicts, strict=True)
        if isinstance(constraint, RuleConstraint)
    ]


def _verdicts(raw: Any, where: Where, loose: bool) -> tuple[str, list[bool]]:
    fields = VERDICTS[loose]
    field = next((name for name in fields if isinstance(raw, dict) and name in raw), "")
    if not field:
        hint = "IFEval's result files and lm-eval's samples (--log_samples) hold them."
        raise where.error(f"has no published verdicts ({' or '.join(fields)})", hint=hint)
    verdicts = raw[field]
    if not isinstance(verdicts, list) or not all(isinstance(verdict, bool) for verdict in verdicts):
        raise where.wanted("a list of true and false", verdicts, field)
    return field, verdicts


def _joined(said: Row, raw: dict[str, Any], where: Where, known: Known) -> Row:
    """The instruction with the prompt of a response and, where the row names them, its constraints."""
    if not known:
        raise where.error("has no parameters", "kwargs", "Give the file of instructions with --instructions.")
    ids = raw.get("instruction_id_list")
    for asked in known.get(said.prompt, []):
        assert asked.instruction is not None
        named = [c.rule for c in asked.instruction.constraints if isinstance(c, RuleConstraint)]
        if ids is None or ids == named:
            return asked
    raise where.error("no instruction has this prompt and these constraints", "prompt")
