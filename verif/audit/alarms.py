"""What a watch calls wrong. Pure: the same history, the same alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from verif.audit.looks import StepSummary
from verif.audit.sequential import weigh
from verif.recipe import Watch

BASELINE, WINDOW = 3, 3
"""A run's first steps are what it is compared with, and its last steps are averaged: single steps are noisy."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something left the run's start behind: `kind` at `step`, `measured` against `limit`; `began` is a step, too."""

    kind: str
    step: int
    measured: float
    limit: float
    message: str
    began: int = 0


class DivergedError(Exception):
    """Ends a training step's watch: the verifier is fooled, and its owner decides what comes next."""

    def __init__(self, alarm: Alarm) -> None:
        super().__init__(alarm.message)
        self.alarm = alarm


def alarms(history: Sequence[StepSummary], limits: Watch, steps: int = 0, since: int = 0) -> list[Alarm]:
    """What is wrong after the last step of `history` (steps in order).

    `steps` is how many the run has (0: as many as there are), `since` the step after which the present verifier took over.
    """
    if not history:
        return []
    start, recent, step = history[:BASELINE], history[-WINDOW:], history[-1].step
    out = [alarm for alarm in (divergence(history, limits, steps, since),) if alarm]
    if len(history) < BASELINE + WINDOW:
        return out
    for kind, limit in (("unscorable", limits.max_unscorable_rise), ("signature", limits.max_signature_rise)):
        before, now = (fmean(getattr(s, f"{kind}_share") for s in part) for part in (start, recent))
        if now - before > limit:
            what = "unscorable responses" if kind == "unscorable" else "responses that look like attacks"
            out.append(Alarm(kind, step, now, before + limit, f"{what} rose from {before:.0%} to {now:.0%}"))
    for kind, name, ratio in (
        ("length", "length_mean", limits.min_length_ratio),
        ("entropy", "entropy", limits.min_entropy_ratio),
    ):
        first = [value for s in start if (value := getattr(s, name)) is not None]
        last = [value for s in recent if (value := getattr(s, name)) is not None]
        if first and last and fmean(last) < ratio * fmean(first):
            said = f"{kind} fell from {fmean(first):.3g} to {fmean(last):.3g}"
            out.append(Alarm(kind, step, fmean(last), ratio * fmean(first), said))
    return out


def divergence(history: Sequence[StepSummary], limits: Watch, steps: int = 0, since: int = 0) -> Alarm | None:
    """The alarm of the sequential test over the looks at the present verifier, or None."""
    looks = looked(history, since)
    if not looks:
        return None
    planned = math.ceil(max(0, steps - since) / limits.every)
    evidence = weigh([look.false_shares for look in looks], limits.allowed_false, planned)
    if not evidence.refutes(limits.false_alarms):
        return None
    spell = looks[evidence.began :]
    measured = sum(look.contradicted for look in spell) / max(1, sum(look.checked for look in spell))
    began, step = spell[0].step, history[-1].step
    said = f"the oracle calls {measured:.0%} of accepted rollouts false since step {began}"
    said += f" (allowed {limits.allowed_false:.0%}, false-alarm rate {limits.false_alarms:g})"
    return Alarm("divergence", step, measured, limits.allowed_false, said, began)


def suspected(history: Sequence[StepSummary], limits: Watch, since: int = 0) -> int:
    """The step at which a divergence began, if one is under way: what stands before it must be kept.

    Without any sign of one, that is the last look's step; 0 without looks.
    """
    looks = looked(history, since)
    if not looks:
        return 0
    shares = [look.false_shares for look in looks]
    return looks[weigh(shares, limits.allowed_false, len(looks)).began].step


def looked(history: Sequence[StepSummary], since: int = 0) -> list[StepSummary]:
    """The steps of the present verifier at which the oracle judged accepted rollouts."""
    return [summary for summary in history if summary.false_shares and summary.step > since]
