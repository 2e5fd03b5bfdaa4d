"""What one run's folder says about time: when rollouts ended, how long their judging took, how long a step was.

`python -m verif.pipeline.planning.timeline RUN > FILE` keeps it as one JSON file, which can stand for the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from verif.data.rollouts import read_file, step_path
from verif.errors import InputError
from verif.training.progress import RunFolder

WARM_UP = 1
"""First steps that are left out: engines are warmed up and code is compiled in them."""


class Observed(BaseModel):
    """One step. Times are seconds; lists have one entry for each rollout, in the same order.

    `judge_s` is what the judge took (0 without a call); `generated_s` is after the step's beginning, `reward_s`
    from there to the reward; both are empty for runs that did not keep them.
    """

    model_config = ConfigDict(frozen=True)

    step: int
    step_s: float
    gen_end_s: float
    wait_s: float
    tokens: tuple[int, ...]
    judge_s: tuple[float, ...]
    generated_s: tuple[float, ...] = ()
    reward_s: tuple[float, ...] = ()

    @property
    def train_s(self) -> float:
        """Everything after the last reward: log-probabilities, update, weights to the engine."""
        return self.step_s - self.gen_end_s - self.wait_s


class Timeline(BaseModel):
    """A run's steps after the warm-up. `left_out`: steps that drew their prompts again or are incomplete."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[Observed, ...]
    left_out: int = 0
    warm_up_s: float = 0.0

    @property
    def rollouts(self) -> int:
        """Rollouts of a step (the mean over steps, rounded)."""
        return round(sum(len(step.tokens) for step in self.steps) / len(self.steps))

    @property
    def step_s(self) -> float:
        """Mean seconds of a step."""
        return sum(step.step_s for step in self.steps) / len(self.steps)


def load(path: Path) -> Timeline:
    """The timeline of a run's folder, of a project with one run, or of a kept file; `InputError` without one."""
    if path.is_file():
        try:
            timeline = Timeline.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(f"not a timeline: {str(error).splitlines()[0]}", file=path) from None
    else:
        timeline = _read(run_folder(path))
    if len(timeline.steps) < 2:
        raise InputError(
            f"{len(timeline.steps)} whole steps after the first; at least 2 are needed", file=path,
            hint="Wait until the run has gone on, or name another.",
        )  # fmt: skip
    return timeline


def run_folder(path: Path) -> Path:
    """The run's folder itself, or the only one below a project's `.verif/runs`."""
    if (path / "steps").is_dir():
        return path
    runs = sorted(p.parent for p in (path / ".verif" / "runs").glob("*/steps"))
    if len(runs) == 1:
        return runs[0]
    if not runs:
        raise InputError("no training run here", file=path, hint="Give a folder like .verif/runs/<digest>.")
    names = ", ".join(str(run) for run in runs)
    raise InputError(f"{len(runs)} training runs here", file=path, hint=f"Name one of: {names}.")


def _read(folder: Path) -> Timeline:
    run, kept, left_out = RunFolder(folder), [], 0
    done = run.done()
    for step in done[WARM_UP:]:
        observed = _observed(run, step)
        left_out += observed is None
        kept += [observed] if observed else []
    first = run.metrics(done[0]).get("verif/step_s", 0.0) if done else 0.0
    return Timeline(steps=tuple(kept), left_out=left_out, warm_up_s=round(first, 3))


def _observed(run: RunFolder, step: int) -> Observed | None:
    """A step, or None if it drew prompts again or one of its records is missing."""
    numbers = run.metrics(step)
    batch = run.batches / f"step_{step:06d}.json"
    rollouts = step_path(run.rollouts, step)
    if not (batch.is_file() and rollouts.is_file() and "verif/step_s" in numbers):
        return None
    judged = {
        rollout.verification.id: sum(
            verdict.cost.seconds
            for verdict in rollout.verification.verdicts
            if verdict.part.startswith("judge") and not verdict.cost.cached
        )
        for rollout in read_file(rollouts)
        if rollout.verification is not None
    }
    rows: list[dict[str, Any]] = [r for r in orjson.loads(batch.read_bytes()) if r["state"] != "padding"]
    if len(rows) != int(numbers["verif/rollouts"]):
        return None
    whole = all(row.get("generated_s") is not None for row in rows)
    ended = [float(row["generated_s"]) for row in rows] if whole else []
    wait = numbers["verif/reward_wait_s"]
    return Observed(
        step=step,
        step_s=round(numbers["verif/step_s"], 3),
        gen_end_s=round(max(ended) if whole else numbers["timing_s/gen"] - wait, 3),
        wait_s=round(wait, 3),
        tokens=tuple(int(row["normalising_tokens"]) or int(row["loss_tokens"]) for row in rows),
        judge_s=tuple(round(judged.get(row["key"].rpartition("_")[0], 0.0), 3) for row in rows),
        generated_s=tuple(round(at, 3) for at in ended),
        reward_s=tuple(round(row["rewarded_s"] - row["generated_s"], 3) for row in rows) if whole else (),
    )


if __name__ == "__main__":
    sys.stdout.write(load(Path(sys.argv[1])).model_dump_json() + "\n")
