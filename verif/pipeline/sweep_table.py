"""A sweep's table: each arm's gain over the seeds that have run, and the arms against the first, paired and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verif.evaluation.pictures import draw_sweep
from verif.pipeline.sweep import Run, Sweep, Trial, result
from verif.stats import Interval, PairedResult, bootstrap_mean, holm, paired_bootstrap
from verif.system.files import write_bytes, write_json


@dataclass(frozen=True)
class Line:
    """One line of the table: an arm over all its seeds.

    `over_first` is this arm minus the first arm after training, over the seeds and prompts of both; `p_holm` its
    p-value corrected over the arms. The first arm has neither.
    """

    arm: str
    before: Interval
    after: Interval
    gain: Interval
    by_seed: tuple[float, ...]
    over_first: PairedResult | None = None
    p_holm: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        over = self.over_first and {**self.over_first.as_dict(), "p_holm": self.p_holm}
        cells = {name: getattr(self, name).as_dict() for name in ("before", "after", "gain")}
        return {"arm": self.arm, **cells, "by_seed": list(self.by_seed), "over_first": over}


def table(root: Path, sweep: Sweep, todo: Sequence[Trial]) -> list[Line]:
    """The arms over the seeds that have run, their prompts pooled; one that several seeds asked is one cluster."""
    runs_of = {(job.arm, job.seed): result(root, sweep, job) for job in todo}
    first = next(iter(sweep.arms))
    out = []
    for arm in sweep.arms:
        runs = [run for seed in sweep.seeds if (run := runs_of[arm, seed])]
        before = [value for run in runs for value in run[0]]
        after = [value for run in runs for value in run[1]]
        by_seed = tuple((sum(run[1]) - sum(run[0])) / max(1, len(run[0])) for run in runs)
        keys = [key for run in runs for key in run[2]]
        gain = paired_bootstrap(before, after, keys).difference
        over = None
        if arm != first:
            pairs = [
                pair for seed in sweep.seeds for pair in _pairs(runs_of[first, seed], runs_of[arm, seed])
            ]
            over = paired_bootstrap([p[0] for p in pairs], [p[1] for p in pairs], [p[2] for p in pairs])
        out.append(Line(arm, bootstrap_mean(before, keys), bootstrap_mean(after, keys), gain, by_seed, over))
    adjusted = iter(holm([line.over_first.p_value for line in out if line.over_first]))
    return [replace(line, p_holm=next(adjusted)) if line.over_first else line for line in out]


def _pairs(first: Run | None, second: Run | None) -> list[tuple[float, float, str]]:
    """What two runs of one seed did after training with the prompts that both know, and each prompt's key."""
    if first is None or second is None:
        return []
    known = dict(zip(first[2], first[1], strict=True))
    return [(known[key], value, key) for key, value in zip(second[2], second[1], strict=True) if key in known]


HEADER = ("arm", "n", "before", "after", "gain", "gain by seed", "over the first arm", "p (Holm)")


def cells(line: Line) -> tuple[str, ...]:
    """A line as text, under `HEADER`."""

    def shown(interval: Interval, sign: str = "") -> str:
        return f"{interval.value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"

    over = ("", "")
    if line.over_first is not None and line.p_holm is not None:
        over = (shown(line.over_first.difference, "+"), f"{line.p_holm:.4f}")
    seeds = ", ".join(f"{value:+.3f}" for value in line.by_seed)
    return (
        line.arm,
        str(line.after.n),
        shown(line.before),
        shown(line.after),
        shown(line.gain, "+"),
        seeds,
        *over,
    )


def title(sweep: Sweep) -> str:
    """What the table holds."""
    return f"{sweep.sweep}: prompts followed in full, T=1, 95% interval over prompts of all seeds"


def keep(root: Path, sweep: Sweep, lines: Sequence[Line]) -> None:
    """The table as `reports/sweep-NAME.json` and, to be read, `.md` with its picture `.svg`."""
    place = root / "reports" / f"sweep-{sweep.sweep}"
    write_json(place.with_suffix(".json"), [line.as_dict() for line in lines])
    draw_sweep({line.arm: (line.gain.as_dict(), line.by_seed) for line in lines}, place.with_suffix(".svg"))
    rows = [HEADER, ("---",) * len(HEADER), *(cells(line) for line in lines)]
    text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    note = (
        "The last two columns compare each arm with the first after training, paired by seed and prompt. Intervals are\n"
        "over prompts, for the trainings of these seeds; how far another training may differ shows the gain by seed."
    )
    picture = f"![Gain of each arm]({place.name}.svg)"
    write_bytes(place.with_suffix(".md"), f"# {title(sweep)}\n\n{picture}\n\n{text}\n\n{note}\n".encode())
