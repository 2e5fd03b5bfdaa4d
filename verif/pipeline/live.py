"""How far a training is, read from the folder it writes while it runs; by whoever watches, in another process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from verif.audit.truth import accepted_share, truth_share
from verif.data.rollouts import read_file, step_path
from verif.errors import InputError
from verif.training.progress import RunFolder

RECENT = 5
"""Steps whose median time says how long the rest will take."""


@dataclass(frozen=True)
class TrainingProgress:
    """Steps done and wanted, the last step's mean reward, the last look's truth, seconds left, alarms so far."""

    step: int
    steps: int
    reward: float | None
    truth: float | None
    seconds_left: float | None
    alarms: int

    @property
    def share(self) -> float:
        """Done, from 0 to 1."""
        return min(1.0, self.step / max(1, self.steps))

    def said(self) -> str:
        """One line: step, reward, truth, time left."""
        parts = [f"step {self.step} of {self.steps}"]
        if self.reward is not None:
            parts.append(f"reward {self.reward:.2f}")
        if self.truth is not None:
            parts.append(f"truth {self.truth:.2f}")
        if self.seconds_left is not None:
            parts.append(f"{self.seconds_left:.0f} s left")
        if self.alarms:
            parts.append(f"{self.alarms} alarm{'s' if self.alarms > 1 else ''}")
        return ", ".join(parts)


def progress(root: Path, steps: int, since: float) -> TrainingProgress | None:
    """Of the run below `.verif/runs` that was written to last, and since then; None before its first step."""
    folders = [path for path in (root / ".verif" / "runs").glob("*") if (path / "steps").is_dir()]
    beats = {
        path: (path / "heartbeat.json").stat().st_mtime
        for path in folders
        if (path / "heartbeat.json").is_file()
    }
    fresh = [path for path, time in beats.items() if time >= since]
    if not fresh:
        return None
    folder = RunFolder(max(fresh, key=lambda path: beats[path]))
    done = folder.done()
    if not done:
        return None
    watched = _watched(folder.alarms)
    times = [folder.metrics(step).get("verif/step_s") for step in done[-RECENT:]]
    known = [time for time in times if time is not None]
    return TrainingProgress(
        step=done[-1],
        steps=steps,
        reward=folder.metrics(done[-1]).get("verif/reward_mean"),
        truth=_truth(folder, watched.get("steps", [])),
        seconds_left=median(known) * max(0, steps - done[-1]) if known else None,
        alarms=len(watched.get("alarms", [])),
    )


def _truth(folder: RunFolder, looks: list[dict[str, Any]]) -> float | None:
    """At the oracle's last look."""
    for look in reversed(looks):
        if look.get("checked") or look.get("rejected"):
            try:
                rewards = [rollout.reward for rollout in read_file(step_path(folder.rollouts, look["step"]))]
            except (OSError, InputError):
                return None
            return truth_share(look, accepted_share(rewards))
    return None


def _watched(path: Path) -> dict[str, Any]:
    try:
        kept = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return kept if isinstance(kept, dict) else {}
