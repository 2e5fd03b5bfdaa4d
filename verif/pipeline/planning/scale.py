"""How many judge replicas keep a trainer busy, at 8, 64 and 512 GPUs: the simulation over a grid.

The batch grows with the GPUs, so that generation and training take as long at every size. Training is
synchronous: the last response to end must still be judged, so that some idle time stays with any number of
judges (`Size.floor`). "Enough" judges are those that come within `MARGIN` of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from verif.pipeline.planning.fit import DRAWS, Fitted
from verif.pipeline.planning.pace import JudgePace, Pace, mean_service, simulate
from verif.system.drawing import pyplot

SIZES = (8, 64, 512)
"""GPUs of the trainer."""
PER_NODE = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
"""Judge replicas for each eight GPUs of the trainer that the grid tries."""
SEEDS = (1, 2, 3)
"""Steps that are simulated for each figure."""
MARGIN = 0.02
BUSY = 0.1
"""A trainer that waits for a tenth of its time or less is called busy."""


@dataclass(frozen=True)
class ScaleRow:
    """One number of judge replicas. `gpu_hours` are for one step, trainer and judges together.

    `after_s` is the step where judging starts only when the last response has ended.
    """

    gpus: int
    judges: int
    judge_gpus: int
    step_s: float
    idle_share: float
    judge_busy_share: float
    gpu_hours: float
    after_s: float


@dataclass(frozen=True)
class Size:
    """One size of the trainer: the grid, the idle share that no number of judges removes, and enough judges.

    `cheapest` is the number of judges with the fewest GPU-hours a step.
    """

    gpus: int
    rollouts: int
    rows: tuple[ScaleRow, ...]
    floor: float
    enough: int
    cheapest: int


def row(at: Pace, model: JudgePace, judges: int) -> ScaleRow:
    """Means over `SEEDS` steps with so many judge replicas."""
    overlapped = [simulate(at, model, judges, seed=seed) for seed in SEEDS]
    after = [simulate(at, model, judges, overlapped=False, seed=seed) for seed in SEEDS]
    step_s = fmean(step.step_s for step in overlapped)
    return ScaleRow(
        gpus=at.gpus,
        judges=judges,
        judge_gpus=judges * model.gpus,
        step_s=step_s,
        idle_share=fmean(step.wait_s for step in overlapped) / step_s,
        judge_busy_share=fmean(step.judge_busy_s for step in overlapped) / (judges * model.slots * step_s),
        gpu_hours=(at.gpus + judges * model.gpus) * step_s / 3600,
        after_s=fmean(step.step_s for step in after),
    )


def most(at: Pace, model: JudgePace) -> int:
    """So many replicas that every rollout has a slot: nobody ever waits for one."""
    return math.ceil(at.rollouts / model.slots)


def fewest(at: Pace, model: JudgePace, idle_share: float) -> int | None:
    """The fewest replicas with at most this idle share; None if no number has it."""
    low, high = 1, most(at, model)
    if row(at, model, high).idle_share > idle_share:
        return None
    while low < high:  # more judges never wait longer
        middle = (low + high) // 2
        ok = row(at, model, middle).idle_share <= idle_share
        low, high = (low, middle) if ok else (middle + 1, high)
    return low


def size(base: Pace, model: JudgePace, gpus: int) -> Size:
    """The grid at one size."""
    at = base.scaled(gpus)
    floor = row(at, model, most(at, model)).idle_share
    enough = fewest(at, model, floor + MARGIN) or most(at, model)
    counts = {math.ceil(share * gpus / 8) for share in PER_NODE}
    rows = tuple(row(at, model, judges) for judges in sorted({*counts, enough}) if judges <= most(at, model))
    cheapest = min(rows, key=lambda r: r.gpu_hours).judges
    return Size(gpus, at.rollouts, rows, floor, enough, cheapest)


@dataclass(frozen=True)
class Busy:
    """What it takes that the GPUs wait for at most `BUSY` of a step.

    With unlimited judges a verdict may take `limit_s` on average at the smallest size. With verdicts of half of
    that, `judges` replicas are needed at each of `SIZES` (None: no number is enough).
    """

    limit_s: float
    judges: tuple[int | None, ...]


def busy(base: Pace, model: JudgePace) -> Busy:
    """How fast a judge must be, and how many of such judges keep the trainer busy."""
    at, low, high = base.scaled(SIZES[0]), 0.0, 1.0
    for _ in range(20):
        share = (low + high) / 2
        scaled = row(at, replace(model, batch_s=model.batch_s * share), most(at, model))
        low, high = (share, high) if scaled.idle_share <= BUSY else (low, share)
    half = replace(model, batch_s=model.batch_s * low / 2)
    return Busy(mean_service(model) * low, tuple(fewest(base.scaled(gpus), half, BUSY) for gpus in SIZES))


@dataclass(frozen=True)
class LocalRow:
    """Judge replicas of a fitted local run: mean seconds of a step, and the share of it spent waiting."""

    judges: int
    step_s: float
    idle_share: float


def local_rows(fitted: Fitted, rollouts: int, judges: tuple[int, ...] = (1, 2, 4, 8)) -> list[LocalRow]:
    """What more judges would change in a fitted run, were each on cores of its own."""
    out = []
    for count in judges:
        steps = [fitted.simulate(rollouts, draw, count) for draw in range(DRAWS)]
        step_s = sum(step.step_s for step in steps) / DRAWS
        out.append(LocalRow(count, step_s, sum(step.wait_s for step in steps) / DRAWS / step_s))
    return out


def draw(sizes: list[Size], model: JudgePace, title: str, path: Path) -> None:
    """Idle share and cost against judges for each eight GPUs of the trainer, as SVG or PNG by the file's name."""
    plt = pyplot()
    plt.rcParams["svg.fonttype"] = "none"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for shown, colour, width in zip(sizes, ("#7a8ba0", "#c0772f", "#2a6f63"), (5, 3, 1.2), strict=False):
        x = [r.judges / shown.gpus * 8 for r in shown.rows]
        label = f"{shown.gpus} GPUs (little gain beyond {shown.enough} judges)"
        left.plot(x, [100 * r.idle_share for r in shown.rows], color=colour, label=label, linewidth=width)
        per = [r.gpu_hours / shown.gpus * 60 for r in shown.rows]
        right.plot(x, per, color=colour, linewidth=width)
    left.axhline(100 * sizes[0].floor, color="#999999", linestyle=":", linewidth=1)
    left.set(ylabel="GPUs wait for rewards, % of a step", ylim=(0, 100))
    right.set(ylabel="GPU-minutes of a step, per trainer GPU", ylim=(0, None))
    for axes in (left, right):
        axes.set_xlabel(f"judge replicas (GPUs of one: {model.gpus}) per 8 trainer GPUs")
    left.legend(frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
