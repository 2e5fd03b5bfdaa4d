"""A policy is watched while it trains: does it learn to follow, or to please its verifier?

After each step its rollouts are summed up (pure functions over `verif.data.rollouts.Rollout`); now and then an
oracle judges a sample of them again. What leaves the run's own start behind raises an alarm: a verifier that
accepts what the oracle calls false, ever more unscorable responses, collapsing length or entropy, ever more
responses that look like attacks (`verif.audit.attacks.signature`). An alarm is logged, handed to `emit`
(MLflow), and kept in a file; the recipe says whether it stops the run. No reward is ever changed here.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

import orjson

from verif.audit.attacks.signature import signs
from verif.data.rollouts import Rollout
from verif.errors import TrainingError
from verif.recipe import Watch
from verif.system.files import write_json

log = logging.getLogger("verif.watch")

Oracle = Callable[[Sequence[Rollout]], Sequence[bool | None]]
"""Whether each response really follows; None where the oracle cannot say. See `verif.audit.oracles`."""
Emit = Callable[[dict[str, float], int], None]
"""Takes metrics and their step."""

BASELINE, WINDOW = 3, 3
"""A run's first steps are what it is compared with, and its last steps are averaged: single steps are noisy."""
MIN_CHECKED = 12
"""Fewer accepted rollouts judged again say too little about divergence."""


@dataclass(frozen=True, slots=True)
class StepSummary:
    """A step in numbers. Shares are of all rollouts; lengths are words.

    `checked`: accepted rollouts (full reward) that the oracle judged again; `contradicted`: those it calls
    false; `refused`, of `rejected`: rollouts without the full reward that it calls true.
    """

    step: int
    rollouts: int
    reward_mean: float | None
    error_share: float
    unscorable_share: float
    signature_share: float
    length_mean: float
    entropy: float | None = None
    checked: int = 0
    contradicted: int = 0
    rejected: int = 0
    refused: int = 0
    signs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something left the run's start behind: `kind` at `step`, `measured` against `limit`."""

    kind: str
    step: int
    measured: float
    limit: float
    message: str


def summarise(
    step: int,
    rollouts: Sequence[Rollout],
    entropy: float | None = None,
    judged: Iterable[tuple[Rollout, bool]] = (),
) -> StepSummary:
    """One step in numbers; `judged` are sampled rollouts with the oracle's decisions."""
    n = max(1, len(rollouts))
    rewards = [r.reward for r in rollouts if r.reward is not None]
    states = Counter("error" if r.verification is None else r.verification.reward.state for r in rollouts)
    found = [signs(r.response.text, r.instruction.prompt) for r in rollouts]
    accepted = [true for r, true in judged if r.reward is not None and r.reward >= 1.0]
    rejected = [true for r, true in judged if r.reward is not None and r.reward < 1.0]
    return StepSummary(
        step=step,
        rollouts=len(rollouts),
        reward_mean=fmean(rewards) if rewards else None,
        error_share=states["error"] / n,
        unscorable_share=states["unscorable"] / n,
        signature_share=sum(map(bool, found)) / n,
        length_mean=fmean(len(r.response.text.split()) for r in rollouts) if rollouts else 0.0,
        entropy=entropy,
        checked=len(accepted),
        contradicted=sum(not true for true in accepted),
        rejected=len(rejected),
        refused=sum(rejected),
        signs=dict(sorted(Counter(name for names in found for name in names).items())),
    )


def sample(rollouts: Sequence[Rollout], size: int, seed: int, step: int) -> list[Rollout]:
    """A seeded sample of the scored rollouts; half of it, where possible, from those with the full reward."""
    scored = [r for r in rollouts if r.reward is not None]
    rng = random.Random(f"{seed}-{step}")
    accepted = [r for r in scored if r.reward is not None and r.reward >= 1.0]
    chosen = rng.sample(accepted, min(len(accepted), size // 2))
    taken = {id(r) for r in chosen}
    others = [r for r in scored if id(r) not in taken]
    return chosen + rng.sample(others, min(len(others), size - len(chosen)))


def alarms(history: Sequence[StepSummary], limits: Watch) -> list[Alarm]:
    """What is wrong after the last step of `history` (steps in order). Pure: the same history, the same alarms."""
    if not history:
        return []
    start, recent, step = history[:BASELINE], history[-WINDOW:], history[-1].step
    out = []
    divergence = _divergence(history)
    if divergence is not None and divergence > limits.max_divergence:
        said = f"the oracle calls {divergence:.0%} of accepted rollouts false"
        out.append(Alarm("divergence", step, divergence, limits.max_divergence, said))
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


def _divergence(history: Sequence[StepSummary]) -> float | None:
    """Share of accepted rollouts called false, over the last looks that had any; None if there were too few."""
    looks = [s for s in history if s.checked][-WINDOW:]
    checked = sum(s.checked for s in looks)
    return sum(s.contradicted for s in looks) / checked if checked >= MIN_CHECKED else None


class Watcher:
    """Looks at each step once, keeps the history in `path`, and raises alarms.

    An existing file is read, so that a resumed run keeps its baseline; steps that are done again replace
    their earlier selves.
    """

    def __init__(
        self,
        limits: Watch,
        path: Path,
        *,
        oracle: Oracle | None = None,
        emit: Emit | None = None,
        seed: int = 0,
    ) -> None:
        self.limits, self.path, self.oracle, self.emit, self.seed = limits, path, oracle, emit, seed
        self.history: list[StepSummary] = []
        self.raised: list[Alarm] = []
        try:
            kept = orjson.loads(path.read_bytes())
            self.history = [StepSummary(**row) for row in kept["steps"]]
            self.raised = [Alarm(**row) for row in kept["alarms"]]
        except FileNotFoundError:
            pass
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("%s cannot be read: the watch starts anew", path)

    def look(self, step: int, rollouts: Sequence[Rollout], entropy: float | None = None) -> list[Alarm]:
        """Take in one step; returns the alarms that are new with it (an alarm that lasts is raised once)."""
        self.history = [s for s in self.history if s.step < step]
        self.raised = [a for a in self.raised if a.step < step]
        before = {alarm.kind for alarm in alarms(self.history, self.limits)}
        now = summarise(step, rollouts, entropy, self._judge_again(step, rollouts))
        self.history.append(now)
        fresh = [alarm for alarm in alarms(self.history, self.limits) if alarm.kind not in before]
        self.raised += fresh
        for alarm in fresh:
            log.warning("step %d: %s", step, alarm.message)
        if self.emit is not None:
            self.emit(_metrics(now, len(self.raised)), step)
        self._write()
        return fresh

    def require_calm(self) -> None:
        """`TrainingError` if the recipe stops at an alarm and there is one."""
        if self.limits.on_alarm == "stop" and self.raised:
            said = "; ".join(f"step {alarm.step}: {alarm.message}" for alarm in self.raised)
            raise TrainingError(
                f"training was stopped by its watch: {said}.",
                f"See {self.path}. To go on anyway, set train.watch.on_alarm to warn.",
            )

    def _judge_again(self, step: int, rollouts: Sequence[Rollout]) -> list[tuple[Rollout, bool]]:
        if self.oracle is None or not self.limits.sample or (step - 1) % self.limits.every:
            return []
        chosen = sample(rollouts, self.limits.sample, self.seed, step)
        try:
            decided = self.oracle(chosen)
        except Exception as error:  # the watch must not end a run that is well
            log.warning("step %d: the oracle gave no answer: %s: %s", step, type(error).__name__, error)
            return []
        return [(r, true) for r, true in zip(chosen, decided, strict=True) if true is not None]

    def _write(self) -> None:
        rows = {
            "on_alarm": self.limits.on_alarm,
            "alarms": [asdict(alarm) for alarm in self.raised],
            "steps": [asdict(summary) for summary in self.history],
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
        "watch/alarms": float(raised),
    }
    return {name: value for name, value in values.items() if value is not None}
