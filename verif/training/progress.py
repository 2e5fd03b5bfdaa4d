"""The folder of one training run: what the trainer writes there while it runs, and its supervisor reads.

One small file per step, written atomically: a step done again after a resume replaces its file, and nothing
is ever half-written. The heartbeat is a file too, so that a supervisor needs no connection to a process that
may hang.
"""

from __future__ import annotations

import csv
import io
import shutil
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from verif.errors import VerifError
from verif.system.files import write_bytes, write_json

COLUMNS = {
    "reward_mean": "verif/reward_mean",
    "reward_errors": "verif/reward_errors",
    "response_length": "response_length/mean",
    "entropy": "actor/entropy",
    "kl": "actor/kl",
    "reward_wait_share": "verif/reward_wait_share",
    "step_s": "verif/step_s",
    "grad_norm": "actor/grad_norm",
    "unfinished": "verif/unfinished",
    "rollouts_trained_on": "verif/rollouts_trained_on",
    "val_reward_mean": "val/reward_mean",
    "val_full_reward_share": "val/full_reward_share",
    "val_errors": "val/errors",
}
"""Columns of curve.csv after `step`, and the metrics they show (an absent metric is an empty cell)."""
CYCLE_COLUMNS = {
    "staleness": "verif/staleness",
    "drift": "verif/drift",
    "dpo_loss": "dpo/loss",
    "margin": "dpo/margin",
    "pair_accuracy": "dpo/accuracy",
    "pairs": "dpo/pairs",
    "no_contrast": "dpo/no_contrast",
    "replaced": "dpo/replaced",
}
"""Further columns of a run with pairs or with several updates between two syncs; one that nothing has is left out."""
DRAW_COLUMNS = {"no_contrast": "verif/no_contrast", "refilled": "verif/refilled"}
"""Of a run whose groups are compared: those with equal rewards, and how many of them were replaced (`train.refill`)."""


class RunFolder:
    """`.verif/runs/<digest>/`: checkpoints, steps, validations, rollouts, heartbeat, failure, log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.rollouts = path / "rollouts"
        self.alarms = path / "alarms.json"
        self.steps = path / "steps"
        self.batches = path / "batches"
        self.cycles = path / "cycles"
        self.log = path / "verl.log"
        self._heartbeat = path / "heartbeat.json"
        self._failure = path / "failure.json"
        self._end = path / "end"
        self._pointer = self.checkpoints / "latest_checkpointed_iteration.txt"

    # ------------------------------------------------------------------------ written by the trainer
    def beat(self, doing: str) -> None:
        """Say that the run lives, and what it does."""
        write_json(self._heartbeat, {"doing": doing, "time": time.time()})

    def write_step(self, step: int, metrics: dict[str, Any]) -> None:
        """Keep a step's metrics (numbers only)."""
        numbers = {name: float(value) for name, value in metrics.items() if _is_number(value)}
        write_json(self.steps / f"step_{step:06d}.json", numbers)

    def write_batch(self, step: int, rows: list[dict[str, Any]]) -> None:
        """Keep what each row of veRL's batch weighed: its score, advantage and tokens in the losses."""
        write_json(self.batches / f"step_{step:06d}.json", rows)

    def write_validation(self, step: int, numbers: dict[str, float]) -> None:
        """Keep a validation's numbers."""
        write_json(self.steps / f"validation_{step:06d}.json", numbers)

    def fail(self, error: VerifError) -> None:
        """Leave the error for the supervisor: an exception in a Ray actor arrives as pages of text."""
        write_json(self._failure, {"message": error.message, "hint": error.hint})

    def asked_to_end(self) -> bool:
        """Whether the supervisor wants a checkpoint and then the end."""
        return self._end.exists()

    # --------------------------------------------------------------------- read by the supervisor
    def heartbeat(self) -> tuple[str, float]:
        """What the run was last doing, and when (seconds since the epoch); ("", 0) before the first."""
        beat = _read(self._heartbeat)
        return str(beat.get("doing", "")), float(beat.get("time", 0.0))

    def failure(self) -> tuple[str, str] | None:
        """Message and hint of the error that ended the run, if it left one."""
        failure = _read(self._failure)
        return (str(failure["message"]), str(failure["hint"])) if "message" in failure else None

    def ask_to_end(self) -> None:
        """Ask the trainer for a checkpoint after the step under way, and to end."""
        self._end.touch()

    def clear_failure(self) -> None:
        """Forget the last attempt's end and heartbeat."""
        self._failure.unlink(missing_ok=True)
        self._heartbeat.unlink(missing_ok=True)
        self._end.unlink(missing_ok=True)

    def done(self) -> list[int]:
        """Steps with metrics, in order."""
        return sorted(int(path.stem.split("_")[1]) for path in self.steps.glob("step_*.json"))

    def metrics(self, step: int) -> dict[str, float]:
        """A step's metrics."""
        return _read(self.steps / f"step_{step:06d}.json")

    def validations(self) -> dict[int, dict[str, float]]:
        """Validation numbers by step."""
        paths = sorted(self.steps.glob("validation_*.json"))
        return {int(path.stem.split("_")[1]): _read(path) for path in paths}

    def checkpoint(self) -> int:
        """The step of the last whole checkpoint, 0 without one; veRL's pointer to it is repaired if torn.

        veRL writes a checkpoint's `data.pt` last, the pointer after it, and only then (after a validation too) come
        the step's rollouts and numbers. A checkpoint counts when those are here as well: a run that went on from it
        without them would miss a step for good. The one before it is kept, so little is done again.
        """
        try:
            pointed = int(self._pointer.read_text("ascii"))
        except (OSError, ValueError):
            pointed = 0
        whole = self.whole()
        if pointed in whole:
            return pointed
        latest = whole[-1] if whole else 0
        self._point(latest)
        return latest

    def whole(self) -> list[int]:
        """The steps of all checkpoints that count, in order."""
        kept = set(self.done())
        saved = (
            int(path.parent.name.rsplit("_", 1)[1]) for path in self.checkpoints.glob("global_step_*/data.pt")
        )
        return sorted(step for step in saved if step in kept)

    def at(self, step: int) -> Path:
        """Where the checkpoint of a step is."""
        return self.checkpoints / f"global_step_{step}"

    def keep_only(self, steps: Iterable[int]) -> None:
        """Remove every whole checkpoint but these and the last: one that is being written is not whole yet."""
        whole = self.whole()
        for step in set(whole[:-1]) - set(steps):
            self._remove(step)

    def go_back(self, step: int) -> None:
        """Make `step` the last: later checkpoints, rollouts and numbers go. Killed within, it may be called again."""
        self._point(step)
        saved = [int(path.name.rsplit("_", 1)[1]) for path in self.checkpoints.glob("global_step_*")]
        for later in sorted((number for number in saved if number > step), reverse=True):
            self._remove(later)
        shutil.rmtree(self.cycles, ignore_errors=True)  # judged by who taught until now
        self.forget_after(step)

    def _point(self, step: int) -> None:
        """veRL goes on from here; 0 is the start."""
        if step:
            write_bytes(self._pointer, str(step).encode())
        else:
            self._pointer.unlink(missing_ok=True)

    def _remove(self, step: int) -> None:
        """First the file without which a checkpoint does not count: half of one is never taken for whole."""
        (self.at(step) / "data.pt").unlink(missing_ok=True)
        shutil.rmtree(self.at(step), ignore_errors=True)

    def forget_after(self, step: int) -> None:
        """Remove what was kept of later steps: a resumed run does them again."""
        for path in [
            *self.steps.glob("*.json"),
            *self.batches.glob("step_*.json"),
            *self.rollouts.glob("step_*.parquet"),
        ]:
            if int(path.stem.split("_")[1]) > step:
                path.unlink()

    def write_curve(self, path: Path, took_over: Sequence[int] = (0,)) -> None:
        """curve.csv: one row per step, and row 0 for the validation before training.

        `took_over` are the steps after which a verifier began to teach, in order; the column `teacher` counts from 1.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        steps = {step: self.metrics(step) for step in self.done()}
        told = {name for numbers in steps.values() for name in numbers}
        further = (*CYCLE_COLUMNS.items(), *DRAW_COLUMNS.items())
        columns = COLUMNS | {name: metric for name, metric in further if metric in told}
        writer.writerow(["step", *columns, "teacher"])
        validations = self.validations()
        for step in sorted({*steps, *validations}):
            numbers = {**steps.get(step, {}), **validations.get(step, {})}
            teacher = max(1, bisect_left(took_over, step))
            writer.writerow([step, *(_cell(numbers.get(name)) for name in columns.values()), teacher])
        write_bytes(path, stream.getvalue().encode())


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and hasattr(value, "__float__")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}
