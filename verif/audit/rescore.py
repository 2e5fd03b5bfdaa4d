"""Stored rollouts judged again by another verifier: what changes, per constraint type.

The old verdicts stay where they are; new ones are written beside them, step by step, and appear whole or not
at all. With `errors_only`, rollouts that have a reward keep it, and only those that have none are asked again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from verif.core.verifies import Verifies
from verif.data.rollouts import Rollout, read_file, step_files, write_step
from verif.errors import ServiceError
from verif.system.files import new_directory
from verif.types import Item, Status, Verification, type_names


@dataclass(slots=True)
class VerdictChanges:
    """What another verifier says differently.

    `transitions`: per constraint type, counts of (status before, status after), a rollout without any verdict
    before counting as "none". `rewards`: (reward before, reward after) of every rollout asked again.
    """

    rollouts: int = 0
    asked: int = 0
    repaired: int = 0
    transitions: dict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    rewards: list[tuple[float | None, float | None]] = field(default_factory=list)

    def add(self, old: Rollout, new: Rollout) -> None:
        """Count one rollout that was asked again."""
        self.asked += 1
        self.repaired += old.reward is None and new.reward is not None
        self.rewards.append((old.reward, new.reward))
        names = type_names(old.instruction)
        for name, was, now in zip(names, _statuses(old), _statuses(new), strict=True):
            self.transitions[name][was, now] += 1

    def rows(self) -> list[dict[str, Any]]:
        """One row per constraint type: how many, how many changed, and every change by name."""
        out = []
        for name, counts in sorted(self.transitions.items()):
            changed = {f"{was} to {now}": n for (was, now), n in sorted(counts.items()) if was != now}
            out.append(
                {
                    "type": name,
                    "n": sum(counts.values()),
                    "changed": sum(changed.values()),
                    "changes": changed,
                }
            )
        return out

    def as_dict(self) -> dict[str, Any]:
        """For JSON: counts, mean rewards over rollouts that have both, and the rows."""
        both = [(was, now) for was, now in self.rewards if was is not None and now is not None]
        out: dict[str, Any] = {"rollouts": self.rollouts, "asked": self.asked, "repaired": self.repaired}
        out["rewards_changed"] = sum(was != now for was, now in both)
        out["still_without_reward"] = sum(now is None for _, now in self.rewards)
        if both:
            out["reward_mean_before"] = sum(was for was, _ in both) / len(both)
            out["reward_mean_after"] = sum(now for _, now in both) / len(both)
        return out | {"types": self.rows()}


def _statuses(rollout: Rollout) -> list[str]:
    n = len(rollout.instruction.constraints)
    if rollout.verification is None:
        return ["none"] * n
    return [status.value for status in rollout.verification.statuses(n)]


def needs_repair(rollout: Rollout) -> bool:
    """Whether a rollout has no reward, or carries an error among its verdicts."""
    if rollout.verification is None or rollout.reward is None:
        return True
    return any(verdict.status is Status.ERROR for verdict in rollout.verification.verdicts)


async def rescore(
    verifier: Verifies, source: Path, target: Path, *, errors_only: bool = False
) -> VerdictChanges:
    """Judge the rollouts at `source` (a folder or a file) again and write them to the new folder `target`."""
    changes = VerdictChanges()
    with new_directory(target) as folder:
        for path in step_files(source):
            rows = list(read_file(path))
            changes.rollouts += len(rows)
            chosen = [n for n, row in enumerate(rows) if not errors_only or needs_repair(row)]
            answers = await _answers(verifier, [rows[n] for n in chosen])
            for n, verification in zip(chosen, answers, strict=True):
                new = replace(rows[n], verification=verification)
                changes.add(rows[n], new)
                rows[n] = new
            if rows:
                write_step(folder, rows[0].step, rows)
    return changes


async def _answers(verifier: Verifies, rows: Sequence[Rollout]) -> list[Verification]:
    items = [
        Item(id=str(number), instruction=row.instruction, response=row.response)
        for number, row in enumerate(rows)
    ]
    answers: dict[str, Verification] = {}
    if items:
        async for answer in verifier.verify(items):
            answers[answer.id] = answer
    missing = [item.id for item in items if item.id not in answers]
    if missing:
        raise ServiceError(f"the verifier left {len(missing)} of {len(items)} rollouts without an answer.")
    return [answers[item.id].model_copy(update={"id": row.id}) for item, row in zip(items, rows, strict=True)]
