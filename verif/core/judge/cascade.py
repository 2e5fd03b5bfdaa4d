"""A cascade: a small judge decides when it is sure, the large one inside an uncertainty band.

How sure the small judge is stands in its verdict (`evidence["p_pass"]`, from log-probabilities; ask for them
with `LOGPROBS` among its parameters). The band is not guessed: the audit chooses it for a stated agreement
(`verif.audit.cascade`). Without a probability, or on an error of the small judge, the large one is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verif.core.judge.judge import Judge
from verif.system.files import digest
from verif.types import Cost, Instruction, Status, Verdict

LOGPROBS: dict[str, Any] = {"logprobs": True, "top_logprobs": 5}


@dataclass(frozen=True, slots=True)
class Band:
    """Probabilities of pass from `low` to `high` are uncertain; below is a fail, above a pass."""

    low: float
    high: float

    def __contains__(self, probability: float) -> bool:
        return self.low <= probability <= self.high


class Cascade:
    """Two judges that answer as one; the same interface as `Judge`."""

    def __init__(self, small: Judge, large: Judge, band: Band) -> None:
        self.small, self.large, self.band = small, large, band
        self.part = cascade_part(small.part, large.part, band)
        self.client = _Both(small, large)
        self.decided_small = self.asked_large = 0

    def asks(self, soft: Sequence[int]) -> list[tuple[int, ...]]:
        """As the large judge asks."""
        return self.large.asks(soft)

    def key(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> str:
        """What the verdict depends on: both judges and the band."""
        return digest([self.part, self.large.key(instruction, answer, indices)])

    async def ask(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> Verdict:
        """The small judge's verdict if it is sure, else the large one's; the cost is that of both."""
        first = await self.small.ask(instruction, answer, indices)
        probability = first.evidence.get("p_pass")
        if (
            isinstance(probability, float)
            and first.status in (Status.PASS, Status.FAIL)
            and probability not in self.band
            and (probability > self.band.high) == (first.status is Status.PASS)
        ):
            self.decided_small += 1
            return first.model_copy(update={"part": self.part, "evidence": {**first.evidence, "by": "small"}})
        self.asked_large += 1
        second = await self.large.ask(instruction, answer, indices)
        cost = Cost(
            seconds=first.cost.seconds + second.cost.seconds,
            prompt_tokens=first.cost.prompt_tokens + second.cost.prompt_tokens,
            completion_tokens=first.cost.completion_tokens + second.cost.completion_tokens,
        )
        evidence = {**second.evidence, "by": "large"}
        if isinstance(probability, float):
            evidence["small_p_pass"] = probability
        return second.model_copy(update={"part": self.part, "evidence": evidence, "cost": cost})


def cascade_part(small: str, large: str, band: Band) -> str:
    """The identity of a cascade."""
    return f"judge:{digest([small, large, band.low, band.high])}"


class _Both:
    """The clients of both judges, as far as the verifier looks at a client."""

    def __init__(self, small: Judge, large: Judge) -> None:
        self._clients = (small.client, large.client)

    async def close(self) -> None:
        """Close both."""
        for client in self._clients:
            await client.close()
