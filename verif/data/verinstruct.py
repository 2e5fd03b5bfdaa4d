"""Rows of a file for training: screened, checked twice in opposite orders, split, and with a golden set.

Nothing is left out in silence: every row, constraint and demotion stands in the quarantine with its reason.
A row's split follows from a digest of its id and prompt alone (rows of one conversation: from its beginning), so that a new
row moves no old one. Sizes are therefore
shares of `data.rows`, which a draw meets only about: 512 asked for are 512 give or take 23 or so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.core.instruction_files import messages
from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.data import answering
from verif.data.answering import asking
from verif.data.compose import compose, spoil
from verif.data.difficulty import distribution, outside
from verif.data.rule_examples import rule_examples
from verif.data.screening.claims import Claim, read
from verif.data.screening.order import order_sensitive
from verif.data.screening.probes import ORDINARY
from verif.data.screening.repair import RepairedRow, alone, apply, by_row
from verif.data.screening.screen import Finding, screen
from verif.data.screening.truth import holds
from verif.data.splits import GoldenItem, PolicyPair, Splits
from verif.errors import InputError
from verif.recipe import FileData, RowsData
from verif.system.files import digest
from verif.types import CheckerConstraint, Constraint, Instruction, is_hard

PAIRS_PER_ROW = 24


def prepare_verinstruct(source: Path, section: FileData, seed: int) -> Splits:
    """All splits from a file of rows, VerInstruct's or any other form; a file that is missing or too small is an `InputError`."""
    if not source.is_file():
        raise InputError(
            "the file does not exist", file=source, hint="Set `data` in params.yaml to a file of rows."
        )
    rows = [
        (row.where.row, asking(row.instruction)) for row in read_rows(source) if row.instruction is not None
    ]
    with Sandbox() as sandbox:
        findings = screen(rows, sandbox)
        usable, quarantine = screened(rows, findings, section)
        usable, demoted = proved(usable, sandbox)
    parts = divided(usable, section, seed, source)
    rates = distribution(parts["train"])
    parts["train"], flat = teaching(parts["train"], section, source)
    quarantine += [*demoted, *flat]
    rng = random.Random(seed)
    known = [item for instruction in parts["golden"] for item in golden(instruction, rng)]
    if isinstance(section, RowsData):
        known += rule_examples([c.rule for item in usable for c in item.constraints if c.kind == "rule"], rng)
    return Splits(
        train=parts["train"], validation=parts["validation"], test=parts["test"], golden=known,
        policy_pairs=[] if isinstance(section, RowsData) else policy_pairs(parts["train"], rng), quarantine=quarantine,
        summary=summary(rows, findings, quarantine, section) | ({"pass_rates": rates} if rates else {}),
    )  # fmt: skip


def divided(
    usable: Sequence[Instruction], section: FileData, seed: int, source: Path
) -> dict[str, list[Instruction]]:
    """Which split each row is in, whatever other rows there are; within a split rows stand in the order of their digests.

    Without `data.rows` the shares are those of the power of two below the number of rows, so that they stay as they are
    until a file has doubled; a split then holds one to two times what was asked for.
    """
    meant = section.rows or 1 << (max(1, len(usable)).bit_length() - 1)
    sizes = {"validation": section.validation, "test": section.test, "golden": section.golden}
    parts: dict[str, list[Instruction]] = {name: [] for name in (*sizes, "train")}
    openings = {opening(item) for item in usable if item.meta.get("history")}
    for place, item in sorted(
        ((digest(_drawn_by(item, openings, seed)), item) for item in usable), key=lambda pair: pair[0]
    ):
        left, chosen = int(place[:12], 16) / 16**12 * meant, "train"
        for name, size in sizes.items():
            if left < size:
                chosen = name
                break
            left -= size
        parts[chosen].append(item)
    small = [name for name, size in sizes.items() if len(parts[name]) < max(1, size // 2)]
    if small or len(parts["train"]) < 2:
        counts = ", ".join(f"{name} {len(part)}" for name, part in parts.items())
        raise InputError(
            f"{len(usable)} usable rows are too few for {sum(sizes.values())} held-out rows of {meant} and two to"
            f" train on ({counts})",
            file=source,
            hint="Lower data.validation, data.test or data.golden in the recipe, or set data.rows to the number of rows.",
        )
    return parts


def opening(instruction: Instruction) -> str:
    """What a conversation begins with: the user's first message."""
    return next(message["content"] for message in messages(instruction) if message["role"] == "user")


def _drawn_by(item: Instruction, openings: set[str], seed: int) -> list[Any]:
    """What decides a row's split; rows of one conversation hold each other's turns, so that they stay together."""
    begins = opening(item)
    return [seed, begins] if begins in openings else [seed, item.id, item.prompt]


def teaching(
    train: list[Instruction], section: FileData, source: Path
) -> tuple[list[Instruction], list[dict[str, Any]]]:
    """The rows to train on that are as hard as the recipe wants, and the others with reasons; held-out rows stay as they are."""
    reasons = {item.id: why for item in train if (why := outside(item, section.pass_rate))}
    left = [item for item in train if item.id not in reasons]
    if len(left) < 2:
        hint = "Widen data.pass_rate; `verif difficulty` measures rows."
        raise InputError(f"data.pass_rate leaves {len(left)} of {len(train)} rows", file=source, hint=hint)
    flat = [
        {"row": None, "id": id, "constraint": None, "kind": "row", "reason": why, "action": "row dropped"}
        for id, why in reasons.items()
    ]
    return left, flat


def screened(
    rows: Sequence[tuple[int, Instruction]], findings: Sequence[Finding], section: FileData
) -> tuple[list[Instruction], list[dict[str, Any]]]:
    """The rows that may teach under the recipe's policy, and what was left out or changed, with reasons."""
    grouped, usable, quarantine = by_row(findings), [], []
    seen: set[str] = set()
    for number, instruction in rows:
        own = grouped.get((number, instruction.id), [])
        outcome = apply(section.screening, instruction, own)
        place = {"row": number, "id": instruction.id}
        for finding in own:
            if finding.defect:
                action = (
                    "row dropped"
                    if outcome.instruction is None
                    else outcome.actions.get(finding.index, "kept")
                )
                quarantine.append(
                    {
                        **place,
                        "constraint": finding.index,
                        "kind": finding.kind,
                        "reason": finding.detail,
                        "action": action,
                    }
                )
        reason = _unusable(outcome, section, seen)
        if reason:
            quarantine.append(
                {**place, "constraint": None, "kind": "row", "reason": reason, "action": "row dropped"}
            )
        elif outcome.instruction is not None:
            seen.add(digest(messages(outcome.instruction)))
            usable.append(outcome.instruction)
    return usable, quarantine


def _unusable(outcome: RepairedRow, section: FileData, seen: set[str]) -> str:
    """Why a row cannot be used; "" if it can."""
    instruction = outcome.instruction
    if instruction is None:
        return outcome.reason
    if section.require_checker and not any(map(is_hard, instruction.constraints)):
        return "no hard constraint is left, and the recipe rewards nothing else"
    size = sum(tokens(message["content"]) for message in messages(instruction))
    if size > section.max_prompt_tokens:
        return f"the prompt may exceed {section.max_prompt_tokens} tokens ({size} estimated)"
    return "the same prompt stands in an earlier row" if digest(messages(instruction)) in seen else ""


def proved(usable: list[Instruction], sandbox: Sandbox) -> tuple[list[Instruction], list[dict[str, Any]]]:
    """Every group once more in reverse order; a checker whose verdicts differ never shares a session again."""
    out, demoted = [], []
    for instruction in usable:
        checkers = [(i, c) for i, c in enumerate(instruction.constraints) if isinstance(c, CheckerConstraint)]
        texts = list(ORDINARY) + [text for _, c in checkers for text in _edges(read(c.text))]
        changed = order_sensitive(sandbox, instruction.prompt, [c.source for _, c in checkers], texts)
        constraints: list[Constraint] = list(instruction.constraints)
        for position in changed:
            index, constraint = checkers[position]
            constraints[index] = alone(constraint)
            reason = "verdicts differ when the group runs in reverse order"
            demoted.append(
                {
                    "row": None,
                    "id": instruction.id,
                    "constraint": index,
                    "kind": "order",
                    "reason": reason,
                    "action": "runs alone",
                }
            )
        out.append(
            instruction.model_copy(update={"constraints": tuple(constraints)}) if changed else instruction
        )
    return out, demoted


def _edges(claim: Claim | None) -> list[str]:
    return [*claim.good()[:1], *claim.bad()[:1]] if claim else []


def golden(instruction: Instruction, rng: random.Random) -> list[GoldenItem]:
    """Two responses whose truth is counted by hand: one written to the constraints, one that breaks one of them."""
    claims = [read(c.text) if isinstance(c, CheckerConstraint) else None for c in instruction.constraints]
    known = [claim for claim in claims if claim is not None]
    if not known:
        return answering.golden(instruction)
    texts = [compose(known, rng, []), spoil(known, rng)]
    return [GoldenItem(instruction, text, [holds(c, text) if c else None for c in claims]) for text in texts]


def policy_pairs(train: Sequence[Instruction], rng: random.Random) -> list[PolicyPair]:
    """Prompts as plain text, and answers in the file's own words that keep some of the constraints."""
    pool = sorted(
        {line.strip() for item in train for line in item.prompt.split("\n") if 20 < len(line.strip()) < 200}
    )
    pairs = [PolicyPair("", item.prompt) for item in train]
    for item in train:
        claims = [claim for c in item.constraints if (claim := read(c.text)) is not None]
        for _ in range(PAIRS_PER_ROW):
            wanted = [claim for claim in claims if rng.random() < 0.5]
            pairs.append(PolicyPair(item.prompt, compose(wanted, rng, pool)))
    rng.shuffle(pairs)
    return pairs


def tokens(text: str) -> int:
    """An upper estimate of a prompt's length for a small byte-level vocabulary (seen: at most 0.87 of it)."""
    return int(sum(1 / 2.2 if char.isascii() else len(char.encode("utf-8", "replace")) for char in text)) + 16


def summary(
    rows: Sequence[tuple[int, Instruction]],
    findings: Sequence[Finding],
    quarantine: Sequence[dict[str, Any]],
    section: FileData,
) -> dict[str, Any]:
    """Counts for `reports/data.json`."""
    kinds: dict[str, int] = {}
    for finding in findings:
        kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
    return {
        "rows_read": len(rows),
        "checkers": sum(isinstance(c, CheckerConstraint) for _, item in rows for c in item.constraints),
        "policy": section.screening,
        "findings": dict(sorted(kinds.items())),
        "rows_dropped": sum(
            entry["action"] == "row dropped" and entry["constraint"] is None for entry in quarantine
        ),
        "run_alone": sum(entry["kind"] == "order" for entry in quarantine),
    }
