"""What became of each run of a sweep beside its gain: greedy truth, the first alarm, what was falsely accepted, its time.

For sweeps about judges: two that give the same gain may differ in when, and how far, the policy left them behind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from verif.evaluation.summary import in_order
from verif.pipeline.sweep import Sweep, Trial, told
from verif.registry.headline import false_among_accepted
from verif.system.files import write_bytes, write_json


@dataclass(frozen=True)
class Story:
    """One run. Shares of prompts followed; the first step with an alarm, if any; the training's minutes."""

    arm: str
    seed: int
    truth: float | None
    greedy: float | None
    first_alarm: int | None
    false_accepted: float | None
    worst_false: float | None
    minutes: float | None


HEADER = (
    "judge", "seed", "truth, T=1", "truth, greedy", "first alarm at step", "false among accepted, last looks",
    "worst look", "minutes",
)  # fmt: skip
FEWEST = 10
"""Accepted rollouts that a look must have had to be the worst one."""


def stories(root: Path, sweep: Sweep, todo: Sequence[Trial]) -> list[Story]:
    """The runs that have finished, in the sweep's order."""
    out = []
    for job in todo:
        evaluation = told(root, sweep, job, "evaluation.json")
        if evaluation:
            out.append(
                story(
                    job,
                    evaluation,
                    told(root, sweep, job, "train.json"),
                    told(root, sweep, job, "train/alarms.json"),
                )
            )
    return out


def story(job: Trial, evaluation: dict[str, Any], training: dict[str, Any], watched: dict[str, Any]) -> Story:
    """What a run's reports say."""
    after = next(iter(in_order(evaluation).values()), {}).get("after") or {}
    raised, looks = watched.get("alarms") or [], watched.get("steps") or []
    shares = [
        look["contradicted"] / look["checked"] for look in looks if (look.get("checked") or 0) >= FEWEST
    ]
    seconds = training.get("seconds")
    return Story(
        arm=job.arm,
        seed=job.seed,
        truth=_value(after.get("strict")),
        greedy=_value(after.get("greedy")),
        first_alarm=int(raised[0]["step"]) if raised else None,
        false_accepted=false_among_accepted(looks),
        worst_false=round(max(shares), 3) if shares else None,
        minutes=round(seconds / 60, 1) if isinstance(seconds, int | float) else None,
    )


def _value(cell: Any) -> float | None:
    value = cell.get("value") if isinstance(cell, dict) else None
    return round(float(value), 3) if isinstance(value, int | float) and not math.isnan(value) else None


def keep(root: Path, sweep: Sweep, runs: Sequence[Story]) -> None:
    """The table as `reports/sweep-NAME-runs.json` and `.md`."""
    place = root / "reports" / f"sweep-{sweep.sweep}-runs"
    write_json(place.with_suffix(".json"), [asdict(each) for each in runs])
    rows = [HEADER, ("---",) * len(HEADER), *(cells(each) for each in runs)]
    text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    write_bytes(place.with_suffix(".md"), f"{text}\n".encode())


def cells(each: Story) -> tuple[str, ...]:
    """A run as text, under `HEADER`; a dash where nothing was measured or raised."""
    values = list(asdict(each).values())
    return tuple("–" if value is None else str(value) for value in values)
