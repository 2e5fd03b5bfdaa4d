"""A policy is watched while it trains: does it learn to follow, or to please its verifier?

After each step its rollouts are summed up (`verif.audit.looks`); now and then an oracle judges a sample of them again.
An alarm (`verif.audit.alarms`) is logged, handed to `emit` (MLflow), and kept in a file; whoever trains decides what
follows. No reward is ever changed here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import orjson

from verif.audit.alarms import Alarm, DivergedError, alarms
from verif.audit.looks import Oracle, StepSummary, sample, summarise
from verif.data.rollouts import Rollout
from verif.errors import TrainingError
from verif.recipe import Watch
from verif.system.files import write_json

log = logging.getLogger("verif.watch")

Emit = Callable[[dict[str, float], int], None]
"""Takes metrics and their step."""
Answer = Literal["warn", "stop", "repair"]

TWICE = 4
"""Responses of a look that the oracle is asked about a second time: does it agree with itself?"""
MAX_SELF_CONTRADICTION, MIN_TWICE = 0.1, 20
MAX_SILENT = 3
"""Looks in a row without an answer after which a run that must not be fooled goes no further."""


class Watcher:
    """Looks at each step once, keeps the history in `path`, and raises alarms.

    An existing file is read, so that a resumed run keeps its baseline; steps that are done again replace
    their earlier selves. `since` is the step after which the present verifier took over, `steps` how many the run has.
    """

    def __init__(
        self,
        limits: Watch,
        path: Path,
        *,
        oracle: Oracle | None = None,
        emit: Emit | None = None,
        seed: int = 0,
        answer: Answer = "warn",
        steps: int = 0,
        since: int = 0,
    ) -> None:
        self.limits, self.path, self.oracle, self.emit, self.seed = limits, path, oracle, emit, seed
        self.answer, self.steps, self.since = answer, steps, since
        self.history: list[StepSummary] = []
        self.raised: list[Alarm] = []
        self.asked, self.seconds = 0, 0.0
        self._silent = self._twice = self._differed = 0
        self._told_slow = False
        try:
            kept = orjson.loads(path.read_bytes())
            self.history = [
                StepSummary(**{**row, "false_shares": tuple(row["false_shares"])}) for row in kept["steps"]
            ]
            self.raised = [Alarm(**row) for row in kept["alarms"]]
            self.asked, self.seconds = kept["oracle"]["asked"], kept["oracle"]["seconds"]
        except FileNotFoundError:
            pass
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("%s cannot be read: the watch starts anew", path)

    def look(
        self,
        step: int,
        rollouts: Sequence[Rollout],
        entropy: float | None = None,
        step_s: float | None = None,
    ) -> list[Alarm]:
        """Take in one step; returns the alarms that are new with it (an alarm that lasts is raised once).

        `step_s` is how long the step took: an oracle that needs longer than the steps between two looks is told of.
        """
        self.history = [s for s in self.history if s.step < step]
        self.raised = [a for a in self.raised if a.step < step]
        before = {alarm.kind for alarm in self._alarms()}
        now = summarise(step, rollouts, entropy, self._judge_again(step, rollouts, step_s))
        self.history.append(now)
        fresh = [alarm for alarm in self._alarms() if alarm.kind not in before]
        self.raised += fresh
        for alarm in fresh:
            log.warning("step %d: %s", step, alarm.message)
        if self.emit is not None:
            self.emit(_metrics(now, len(self.raised)), step)
        self._write()
        return fresh

    def forget_after(self, step: int) -> None:
        """Make `step` the last: a run that goes back does the later ones again, under another verifier."""
        self.history = [s for s in self.history if s.step <= step]
        self.raised = [a for a in self.raised if a.step <= step]
        self._write()

    def require_calm(self) -> None:
        """Raises where the run must not go on.

        `DivergedError` if it repairs and its verifier is fooled; `TrainingError` if it stops at an alarm and there is
        one, or if the oracle that it may not go on without has fallen silent.
        """
        if self.answer == "repair":
            for alarm in self.raised:
                if alarm.kind == "divergence" and alarm.step > self.since:
                    raise DivergedError(alarm)
        if self.answer != "warn" and self._silent >= MAX_SILENT:
            raise TrainingError(
                f"the oracle gave no usable answer at {self._silent} looks in a row; nobody would notice a fooled"
                " verifier.",
                "See the warnings above. Mend the oracle and run the same command, or set train.watch.on_alarm to warn.",
            )
        if self.answer == "stop" and self.raised:
            said = "; ".join(f"step {alarm.step}: {alarm.message}" for alarm in self.raised)
            raise TrainingError(
                f"training was stopped by its watch: {said}.",
                f"See {self.path}. To go on anyway, set train.watch.on_alarm to warn.",
            )

    def _alarms(self) -> list[Alarm]:
        return alarms(self.history, self.limits, self.steps, self.since)

    def _judge_again(
        self, step: int, rollouts: Sequence[Rollout], step_s: float | None
    ) -> list[tuple[Rollout, bool]]:
        if self.oracle is None or not self.limits.sample or (step - 1) % self.limits.every:
            return []
        chosen = sample(rollouts, self.limits.sample, self.seed, step)
        if not chosen:
            return []
        again = chosen[:TWICE] if self.answer != "warn" else []
        began = time.monotonic()
        try:
            decided = list(self.oracle([*chosen, *again]))
        except Exception as error:  # the watch must not end a run that is well
            self._silent += 1
            log.warning("step %d: the oracle gave no answer: %s: %s", step, type(error).__name__, error)
            return []
        took = time.monotonic() - began
        self.asked, self.seconds = self.asked + len(decided), self.seconds + took
        self._mind_time(step, took, step_s)
        pairs = list(zip(decided, decided[len(chosen) :], strict=False))
        self._twice += len(pairs)
        self._differed += sum(first is not second for first, second in pairs)
        if self._twice >= MIN_TWICE and self._differed > MAX_SELF_CONTRADICTION * self._twice:
            self._silent += 1
            log.warning(
                "step %d: the oracle contradicts itself on %d of %d responses that it was asked about twice;"
                " its looks do not count",
                step, self._differed, self._twice,
            )  # fmt: skip
            return []
        self._silent = 0
        return [(r, true) for r, true in zip(chosen, decided, strict=False) if true is not None]

    def _mind_time(self, step: int, took: float, step_s: float | None) -> None:
        """Say once that the oracle is slower than training: alarms would come ever later."""
        if self._told_slow or step_s is None or took <= self.limits.every * step_s:
            return
        self._told_slow = True
        log.warning(
            "step %d: the oracle took %.1f s for a look, and the %d steps between two looks take %.1f s: alarms come"
            " late; raise train.watch.every or lower train.watch.sample",
            step, took, self.limits.every, self.limits.every * step_s,
        )  # fmt: skip

    def _write(self) -> None:
        rows = {
            "on_alarm": self.answer,
            "alarms": [asdict(alarm) for alarm in self.raised],
            "steps": [asdict(summary) for summary in self.history],
            "oracle": {"asked": self.asked, "seconds": round(self.seconds, 3)},
        }
        write_json(self.path, rows)


def _metrics(now: StepSummary, raised: int) -> dict[str, float]:
    """What goes to MLflow; absent where nothing was measured."""
    values: dict[str, float | None] = {
        "watch/unscorable_share": now.unscorable_share,
        "watch/error_share": now.error_share,
        "watch/signature_share": now.signature_share,
        "watch/length_mean": now.length_mean,
        "watch/divergence": now.contradicted / now.checked if now.checked else None,
        "watch/refused_true": now.refused / now.rejected if now.rejected else None,
        "watch/truth": now.truth,
        "watch/alarms": float(raised),
    }
    return {name: value for name, value in values.items() if value is not None}
