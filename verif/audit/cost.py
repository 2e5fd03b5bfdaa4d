"""What verification costs: time, tokens, and the price of 1,000 rollouts at a stated price per machine hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.audit.cases import AuditCase, Opinion, positions
from verif.types import Verdict


@dataclass(frozen=True, slots=True)
class BatchCost:
    """Figures of one uncached batch; latencies in seconds, None where nothing was asked."""

    rollouts: int
    seconds: float
    verdicts: int
    judge_calls: int
    judge_p50: float | None
    judge_p95: float | None
    prompt_tokens: int
    completion_tokens: int
    price_per_hour: float

    @property
    def verdicts_per_second(self) -> float:
        """Verdicts of rules, checkers and judge together."""
        return self.verdicts / self.seconds if self.seconds else 0.0

    @property
    def rollouts_per_second(self) -> float:
        """Whole responses verified per second."""
        return self.rollouts / self.seconds if self.seconds else 0.0

    @property
    def price_per_1000(self) -> float:
        """Price of 1,000 rollouts at this speed."""
        return self.price_per_hour * self.seconds / 3600 * 1000 / max(1, self.rollouts)

    def as_dict(self) -> dict[str, float]:
        """Flat numbers for JSON; what was not measured is absent."""
        values = {
            "rollouts": self.rollouts,
            "seconds": round(self.seconds, 3),
            "verdicts_per_s": round(self.verdicts_per_second, 1),
            "rollouts_per_s": round(self.rollouts_per_second, 1),
            "judge_calls": self.judge_calls,
            "judge_p50_s": self.judge_p50,
            "judge_p95_s": self.judge_p95,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "price_per_hour": self.price_per_hour,
            "price_per_1000_rollouts": round(self.price_per_1000, 6),
        }
        return {name: value for name, value in values.items() if value is not None}


def measure(
    cases: Sequence[AuditCase], opinions: Sequence[Opinion], seconds: float, price_per_hour: float
) -> BatchCost:
    """The cost of a batch that took `seconds`; cached verdicts cost nothing and are not counted."""
    judged: list[Verdict] = []
    total = 0
    for case, opinion in zip(cases, opinions, strict=True):
        soft = set(positions(case.instruction, hard=False))
        asked = [v for v in opinion.verdicts if not v.cost.cached]
        total += len(asked)
        judged += [v for v in asked if soft & set(v.covers)]
    latencies = sorted(v.cost.seconds for v in judged)
    return BatchCost(
        rollouts=len(cases),
        seconds=seconds,
        verdicts=total,
        judge_calls=len(judged),
        judge_p50=_quantile(latencies, 0.5),
        judge_p95=_quantile(latencies, 0.95),
        prompt_tokens=sum(v.cost.prompt_tokens for v in judged),
        completion_tokens=sum(v.cost.completion_tokens for v in judged),
        price_per_hour=price_per_hour,
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
