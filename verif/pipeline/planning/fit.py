"""From one run's timeline to a simulator, and from the simulator to another run's step times.

Three things are fitted: the decoder (seconds for an iteration and for each active rollout in it), the judge
(slots and service times), and the training time of one rollout. Lengths and judge times are drawn from the fitted run's rollouts.
The prediction knows nothing of the other run but how many rollouts a step has; it holds for the same machine,
models, limits and algorithm.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from scipy.optimize import nnls

from verif.pipeline.planning.fit_judge import fit_judge
from verif.pipeline.planning.simulate import Decoder, SimulatedStep, generate, step
from verif.pipeline.planning.timeline import Observed, Timeline
from verif.training.buffers import SEQUENCES

SLOTS = SEQUENCES
"""Rollouts that the local recipe's engine works on at a time; the others wait."""
DRAWS = 20
"""Simulated steps whose mean is a prediction."""


@dataclass(frozen=True)
class Fitted:
    """A simulator of runs like the fitted one. `pool` holds (tokens, judge seconds) of its rollouts.

    `rollouts` is a step's size there. What passes before the first token grows with it: every request is made, sent and
    its prompt read before that.
    `method` says how the decoder was found: from each rollout's end, or from each step's end only.
    """

    decoder: Decoder
    judge_slots: int
    train_s_per_rollout: float
    pool: tuple[tuple[int, float], ...]
    method: str
    rollouts: int

    @property
    def mean_service_s(self) -> float:
        """Mean seconds of a judge's service, over the rollouts that needed one."""
        asked = [seconds for _, seconds in self.pool if seconds]
        return fmean(asked) if asked else 0.0

    def simulate(self, rollouts: int, seed: int, replicas: int = 1) -> SimulatedStep:
        """One step of `rollouts` rollouts; the same seed draws the same lengths and judge times."""
        rng = random.Random(seed)
        drawn = rng.choices(self.pool, k=rollouts)
        decoder = replace(self.decoder, start_s=self.decoder.start_s * rollouts / self.rollouts)
        ends = generate(decoder, [tokens for tokens, _ in drawn])
        train = self.train_s_per_rollout * rollouts
        return step(ends, [seconds for _, seconds in drawn], self.judge_slots * replicas, train)

    def mean_step(self, rollouts: int, seed: int = 0, replicas: int = 1) -> float:
        """Mean seconds of a step over `DRAWS` draws."""
        return fmean(self.simulate(rollouts, seed * DRAWS + draw, replicas).step_s for draw in range(DRAWS))


@dataclass(frozen=True)
class StepError:
    """A step's prediction beside its measurement, in seconds."""

    step: int
    rollouts: int
    measured_s: float
    predicted_s: float

    @property
    def error(self) -> float:
        """Signed, as a share of the measurement."""
        return self.predicted_s / self.measured_s - 1


@dataclass(frozen=True)
class Prediction:
    """A prediction of a run: each step and all together. `spread`: the run's own deviation over its mean."""

    steps: tuple[StepError, ...]
    total_error: float
    mean_absolute_error: float
    spread: float


def fit(run: Timeline) -> Fitted:
    """The simulator of a run."""
    decoder, method = _decoder(run.steps)
    judged = fit_judge(run.steps, decoder)
    rollouts = sum(len(observed.tokens) for observed in run.steps)
    return Fitted(
        decoder=decoder,
        judge_slots=judged.slots,
        train_s_per_rollout=sum(observed.train_s for observed in run.steps) / rollouts,
        pool=tuple(
            pair
            for observed in run.steps
            for pair in zip(observed.tokens, judged.services(observed), strict=True)
        ),
        method=method,
        rollouts=run.rollouts,
    )


def _decoder(steps: tuple[Observed, ...]) -> tuple[Decoder, str]:
    """Least squares with non-negative coefficients, then scaled so that the mean end of generation is right.

    A rollout ends at start + iteration * n + per_rollout * m: n iterations have passed since the beginning, and m tokens
    have been made in them. Both follow from the lengths and the slots alone.
    Without the rollouts' own ends the three cannot be told apart: all time goes to the tokens then.
    """
    rows: list[tuple[float, float, float]] = []
    ends: list[float] = []
    for observed in (s for s in steps if s.generated_s):
        passed = Decoder(1.0, 0.0, 0.0, SLOTS).finishes(observed.tokens)
        made = Decoder(0.0, 1.0, 0.0, SLOTS).finishes(observed.tokens)
        rows += [(1.0, n, m) for n, m in zip(passed, made, strict=True)]
        ends += observed.generated_s
    if rows:
        (start, iteration, per_rollout), _ = nnls(np.array(rows), np.array(ends))
        method = "each rollout's end"
    else:
        start, iteration, per_rollout = 0.0, 0.0, 1.0
        method = "each step's end (no rollout's is known)"
    raw = Decoder(float(iteration), float(per_rollout), float(start), SLOTS)
    simulated = fmean(max(raw.finishes(observed.tokens)) for observed in steps)
    scale = fmean(observed.gen_end_s for observed in steps) / simulated
    return Decoder(raw.iteration_s * scale, raw.per_rollout_s * scale, raw.start_s * scale, SLOTS), method


def check(fitted: Fitted, run: Timeline) -> Prediction:
    """Predict each step of a run."""
    predicted = tuple(
        StepError(
            observed.step,
            len(observed.tokens),
            observed.step_s,
            fitted.mean_step(len(observed.tokens), observed.step),
        )
        for observed in run.steps
    )
    measured = [error.measured_s for error in predicted]
    return Prediction(
        steps=predicted,
        total_error=sum(error.predicted_s for error in predicted) / sum(measured) - 1,
        mean_absolute_error=fmean(abs(error.error) for error in predicted),
        spread=float(np.std(measured) / np.mean(measured)),
    )
