"""The headline of a run: did it get better, was the verifier fooled, may it go out?

`register` is the only one who computes it and writes `reports/headline.json`; the terminal, DVC, Prefect, MLflow, the
model card and the report read it back, so they cannot differ.

DVC shows every number of the file as a column, and a line has 120 characters. What it can do without (the interval's
ends, steps and minutes) stands in lists, which DVC passes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from verif.errors import InputError
from verif.evaluation.summary import in_order
from verif.system.files import write_json

if TYPE_CHECKING:
    from verif.project import Stage
    from verif.registry.criteria import Decision

FILE = "headline.json"
LOOKS = 3
"""Looks of the oracle that are averaged: one look has some 16 accepted rollouts."""
_COLUMNS = (
    "before", "after", "gain", "greedy", "unseen", "control", "form", "false", "recall", "alarms", "repairs", "gate",
)  # fmt: skip


@dataclass(frozen=True)
class FirstAlarm:
    """The watch's first alarm: the step and what it said."""

    step: int
    message: str


@dataclass(frozen=True)
class Headline:
    """A run in sixteen numbers; None is what was not measured. Shares, but for the counts and minutes.

    `before`, `after`, `gain` (with `low` and `high`, 95%): prompts of the recipe's first benchmark followed in full,
    sampled as in training. `greedy` is the gain with greedy decoding, `unseen` the gain on the recipe's second
    benchmark, `control` the gain of more supervised training. `form`: responses of well-formed language, or where
    that is not checked, responses that were not cut off. `false`: of the rollouts accepted at the end of training,
    those that the oracle calls false. `recall`: false responses that the audited verifier sees. `gate`: 1 or 0.
    `minutes`: of training. `ended`: why it ended before its last step; empty where it did not.
    """

    before: float | None
    after: float | None
    gain: float | None
    low: float | None
    high: float | None
    greedy: float | None
    unseen: float | None
    control: float | None
    form: float | None
    false: float | None
    recall: float | None
    alarms: int
    repairs: int
    gate: int
    steps: int
    minutes: float | None
    reasons: tuple[str, ...] = ()
    first_alarm: FirstAlarm | None = None
    ended: str = ""

    def numbers(self) -> dict[str, float]:
        """What was measured, by name: the same for every page."""
        names = (*_COLUMNS, "low", "high", "steps", "minutes")
        return {name: float(getattr(self, name)) for name in names if getattr(self, name) is not None}

    def as_json(self) -> dict[str, Any]:
        """The file's content."""
        columns = {name: getattr(self, name) for name in _COLUMNS if getattr(self, name) is not None}
        alarm = self.first_alarm
        return columns | {
            "interval": [self.low, self.high],
            "training": [self.steps, self.minutes],
            "reasons": list(self.reasons),
            "first_alarm": [alarm.step, alarm.message] if alarm else [],
            "ended": [self.ended] if self.ended else [],
        }


def of_run(stage: Stage, decision: Decision) -> Headline:
    """The headline of what lies in the working directory, with the gate's word on it."""
    evaluation, training, audit, watched = (
        _read(stage.reports / name)
        for name in ("evaluation.json", "train.json", "verifier.json", "train/alarms.json")
    )
    benchmarks = list(in_order(evaluation).values())
    first = benchmarks[0] if benchmarks else {}
    second = benchmarks[1] if len(benchmarks) > 1 else {}
    gain = first.get("gain") or {}
    raised = watched.get("alarms") or []
    seconds = training.get("seconds")
    teachers = training.get("teachers") or []
    return Headline(
        before=_at(first, "before", "strict", "value"),
        after=_at(first, "after", "strict", "value"),
        gain=_at(gain, "value"),
        low=_at(gain, "low"),
        high=_at(gain, "high"),
        greedy=_at(first, "gain_greedy", "value"),
        unseen=_at(second, "gain", "value"),
        control=_at(first, "control_gain", "value"),
        form=form(first.get("after") or {}),
        false=false_among_accepted(watched.get("steps") or []),
        recall=_at(audit, "verifier", "recall_false"),
        alarms=len(raised),
        repairs=max(0, len(teachers) - 1),
        gate=int(decision.passed),
        steps=int(training.get("steps", 0)),
        minutes=round(seconds / 60, 1) if isinstance(seconds, int | float) else None,
        reasons=tuple(decision.reasons),
        first_alarm=FirstAlarm(int(raised[0]["step"]), str(raised[0]["message"])) if raised else None,
        ended=str(training.get("ended") or ""),
    )


def form(after: dict[str, Any]) -> float | None:
    """The share of well-formed responses: grammatical where that is known, else not cut off."""
    grammatical = _at(after, "grammatical", "value")
    unfinished = _at(after, "unfinished", "value")
    if grammatical is not None or unfinished is None:
        return grammatical
    return _rounded(1 - unfinished)


def false_among_accepted(steps: list[dict[str, Any]]) -> float | None:
    """Over the last looks of the oracle that had accepted rollouts; None where nobody looked."""
    looks = [step for step in steps if step.get("checked")][-LOOKS:]
    checked = sum(look["checked"] for look in looks)
    return _rounded(sum(look["contradicted"] for look in looks) / checked) if checked else None


def write(stage: Stage, headline: Headline) -> Path:
    """Write `reports/headline.json`; returns its path."""
    path = stage.reports / FILE
    write_json(path, headline.as_json())
    return path


def read(root: Path) -> Headline | None:
    """The headline of a working directory, None before there is one; an unreadable file is an `InputError`."""
    path = root / "reports" / FILE
    if not path.is_file():
        return None
    try:
        return parsed(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, TypeError, ValueError, KeyError, AttributeError):
        raise InputError(
            "is not what `register` writes.", file=path, hint="Make it again: `dvc repro -f -s register`."
        ) from None


def parsed(kept: dict[str, Any]) -> Headline:
    """A headline from the file's content."""
    low, high = kept["interval"]
    steps, minutes = kept["training"]
    alarm = kept["first_alarm"]
    counts = {name: int(kept[name]) for name in ("alarms", "repairs", "gate")}
    shares: dict[str, Any] = {name: _at(kept, name) for name in _COLUMNS if name not in counts}
    return Headline(
        **shares, **counts, low=low, high=high, steps=int(steps), minutes=minutes, reasons=tuple(kept["reasons"]),
        first_alarm=FirstAlarm(int(alarm[0]), str(alarm[1])) if alarm else None,
        ended=str((kept.get("ended") or [""])[0]),
    )  # fmt: skip


def _at(tree: Any, *path: str) -> float | None:
    """A number below the tree, rounded as it is shown; None where there is none."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return _rounded(tree) if isinstance(tree, int | float) and not isinstance(tree, bool) else None


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}
