"""Whether a judge's probability of pass means what it says, and the one number that mends most of it.

A cascade lets a small judge decide alone where it is sure, so its sureness has to be worth something. The logit is
divided by a temperature (Guo et al., 2017, arXiv 1706.04599), which changes no verdict, only how sure it is. The temperature is
chosen on nine tenths of the cases and measured on the tenth that was held out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import minimize_scalar

from verif.audit.cases import AuditCase, Opinion, positions
from verif.system.files import digest

Sure = tuple[float, bool]
"""Probability of pass, and whether pass is true."""

BINS = 10
MIN_CASES = 50
"""Fewer verdicts with a probability say nothing about bins of a tenth each."""
LOW, HIGH = math.log(0.05), math.log(20.0)
EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error on the held-out tenth, as the judge says it and divided by `temperature`; `n` of them."""

    temperature: float
    before: float
    after: float
    n: int
    fitted_on: int

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for JSON."""
        return {
            "temperature": round(self.temperature, 4), "ece": round(self.before, 4), "ece_calibrated": round(self.after, 4),
            "n": self.n, "fitted_on": self.fitted_on,
        }  # fmt: skip


def scaled(p: float, temperature: float) -> float:
    """A probability with its logit divided by `temperature`; below 0.5 stays below 0.5."""
    bounded = min(max(p, EDGE), 1 - EDGE)
    return 1 / (1 + math.exp(-math.log(bounded / (1 - bounded)) / temperature))


def error(said: Sequence[Sure]) -> float:
    """Expected calibration error: per bin of the probability |mean probability - share true|, weighted by its cases."""
    bins: list[list[Sure]] = [[] for _ in range(BINS)]
    for p, true in said:
        bins[min(int(p * BINS), BINS - 1)].append((p, true))
    gaps = [abs(sum(p for p, _ in cases) - sum(true for _, true in cases)) for cases in bins]
    return sum(gaps) / len(said) if said else 0.0


def fit(said: Sequence[Sure]) -> float:
    """The temperature with the least cross-entropy, between 0.05 and 20."""

    def loss(log_temperature: float) -> float:
        rows = ((scaled(p, math.exp(log_temperature)), true) for p, true in said)
        return -sum(math.log(q if true else 1 - q) for q, true in rows)

    return math.exp(float(minimize_scalar(loss, bounds=(LOW, HIGH), method="bounded").x))


def calibrate(said: Sequence[tuple[str, float, bool]]) -> Calibration | None:
    """Fit on nine tenths and measure on one, chosen by the digest of each key; None if there are too few verdicts.

    A key's digest decides, so that a case stays on its side whatever others come and go.
    """
    if len(said) < MIN_CASES:
        return None
    held = [(p, true) for key, p, true in said if int(digest(key)[:8], 16) % 10 == 0]
    rest = [(p, true) for key, p, true in said if int(digest(key)[:8], 16) % 10]
    if not held or len({true for _, true in rest}) < 2:
        return None
    temperature = fit(rest)
    after = [(scaled(p, temperature), true) for p, true in held]
    return Calibration(temperature, error(held), error(after), len(held), len(rest))


def measure(cases: Sequence[AuditCase], opinions: Sequence[Opinion]) -> Calibration | None:
    """Calibration of the judge on responses whose soft truth is known; None where it gives no log-probabilities."""
    said = []
    for case, opinion in zip(cases, opinions, strict=True):
        soft = set(positions(case.instruction, hard=False))
        sure = [
            v.evidence["p_pass"] for v in opinion.verdicts if set(v.covers) == soft and "p_pass" in v.evidence
        ]
        if case.soft is not None and sure:
            said.append((f"{case.instruction.prompt}\n{case.text}", float(sure[0]), case.soft))
    return calibrate(said)
