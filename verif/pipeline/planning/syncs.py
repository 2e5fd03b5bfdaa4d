"""What `train.sync_every` does to the time of an update: the simulation over updates a cycle and judge replicas.

Rollouts of all updates of a cycle are generated at once, so that its longest response and its last verdict are awaited
once. Trainer and generator take turns, or with `train.overlap` work side by side; weights on their way are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from verif.pipeline.planning.pace import JudgePace, Pace, simulate_cycle

EVERY = (1, 5, 10, 20)
"""Updates a cycle that are tried beside the recipe's own."""
JUDGES = (1, 2, 4)


@dataclass(frozen=True)
class SyncRow:
    """One `sync_every` with so many judge replicas; `step_s` is one update with its share of the rollouts, in seconds."""

    sync_every: int
    judges: int
    step_s: float
    wait_share: float
    generator_idle_share: float


def rows(at: Pace, model: JudgePace, cycle: int, *, overlap: bool = False) -> list[SyncRow]:
    """The grid; `cycle` is the recipe's, left out where it is longer than any tried (offline: its whole run)."""
    tried = sorted({*EVERY, *([cycle] if cycle <= 2 * EVERY[-1] else [])})
    out = []
    for every in tried:
        for judges in JUDGES:
            made = simulate_cycle(at, model, judges, every, overlap=overlap)
            out.append(SyncRow(every, judges, made.step_s, made.wait_share, made.generator_idle_share))
    return out
