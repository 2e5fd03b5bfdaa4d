"""What to do about findings: keep, repair, drop the constraint, or drop the row.

A repaired constraint gets the checker that its own text describes (`Claim.source`). A constraint that is
dropped also leaves the prompt, where its sentence stands there word for word: a policy must not be asked for
what nothing rewards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from verif.core.instruction_files import last_turn, with_last_turn
from verif.core.sandbox.purity import ALONE_MARK
from verif.data.screening.claims import read
from verif.data.screening.screen import Finding
from verif.types import CheckerConstraint, Constraint, Instruction

Policy = Literal["keep", "repair", "drop-constraint", "drop-row"]
HOPELESS = ("contradicts its sibling", "repeats its sibling", "unsatisfiable")
POLICIES: tuple[Policy, ...] = ("keep", "repair", "drop-constraint", "drop-row")


@dataclass(frozen=True)
class RepairedRow:
    """A row after screening: the instruction (None if the row was dropped) and what was done to each constraint."""

    instruction: Instruction | None
    actions: dict[int, str] = field(default_factory=dict)
    reason: str = ""


def by_row(findings: Iterable[Finding]) -> dict[tuple[int, str], list[Finding]]:
    """Findings grouped by row number and id: the turns of a conversation stand in one row."""
    rows: dict[tuple[int, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        rows[finding.row, finding.id].append(finding)
    return rows


def apply(policy: Policy, instruction: Instruction, findings: list[Finding]) -> RepairedRow:
    """The row under a policy."""
    defects = {finding.index: finding for finding in reversed(findings) if finding.defect}
    if policy == "keep" or not defects:
        return RepairedRow(instruction)
    if policy == "drop-row":
        worst = defects[min(defects)]
        return RepairedRow(None, reason=f"constraint {worst.index} {worst.kind}: {worst.detail}")
    actions = {
        index: _action(
            policy, instruction.constraints[index], [f for f in findings if f.index == index and f.defect]
        )
        for index in sorted(defects)
    }
    kept: list[Constraint] = []
    families: list[str] = []
    prompt = last_turn(instruction)
    old = instruction.meta.get("families") or [""] * len(instruction.constraints)
    for index, constraint in enumerate(instruction.constraints):
        action = actions.get(index, "")
        if action == "dropped":
            prompt = without(prompt, constraint.text)
            continue
        kept.append(repaired(constraint) if action == "repaired" else constraint)
        families.append(old[index])
    if not kept:
        return RepairedRow(None, actions, "no constraint is left")
    meta = instruction.meta | ({"families": families} if "families" in instruction.meta else {})
    changed = instruction.model_copy(update={"constraints": tuple(kept), "meta": meta})
    return RepairedRow(with_last_turn(changed, prompt), actions)


def _action(policy: Policy, constraint: Constraint, findings: list[Finding]) -> str:
    """Repair only what a better checker cures: an impossible demand stays impossible however it is checked."""
    claim = read(constraint.text)
    hopeless = any(finding.kind in HOPELESS for finding in findings) or constraint.kind != "checker"
    if policy == "repair" and claim is not None and claim.source() and not hopeless:
        return "repaired"
    return "dropped"


def repaired(constraint: Constraint) -> Constraint:
    """The constraint with the checker its text describes."""
    claim = read(constraint.text)
    assert isinstance(constraint, CheckerConstraint)
    assert claim is not None
    return constraint.model_copy(update={"source": claim.source()})


def alone(constraint: CheckerConstraint) -> CheckerConstraint:
    """The constraint with its checker marked so that it never shares a session again."""
    return constraint.model_copy(update={"source": f"{ALONE_MARK}\n{constraint.source}"})


def without(prompt: str, text: str) -> str:
    """The prompt without a sentence that stands in it word for word; unchanged if it does not stand there once."""
    if not text or prompt.count(text) != 1:
        return prompt
    lines = [line for line in prompt.replace(text, "\x00").split("\n") if line.strip(" -*•\x00")]
    return "\n".join(lines).replace(" \x00", "").replace("\x00 ", "").replace("\x00", "").strip()


def to_row(instruction: Instruction) -> dict[str, Any]:
    """The public VerInstruct form of an instruction."""
    families = instruction.meta.get("families") or [""] * len(instruction.constraints)
    checkers, functions = [], []
    for constraint, family in zip(instruction.constraints, families, strict=True):
        hard = isinstance(constraint, CheckerConstraint)
        checkers.append(f"[{'rule' if hard else 'llm'}] {family + ': ' if family else ''}{constraint.text}")
        functions.append(constraint.source if isinstance(constraint, CheckerConstraint) else "")
    return {"id": instruction.id, "prompt": instruction.prompt, "checkers": checkers, "functions": functions}
