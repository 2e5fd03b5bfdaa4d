"""Rules first, then a model: what the rules call unequal, a model may call equal, and never the other way round.

A model sees the question, the reference and the final answer, and says with what probability the two are the same. Its
word counts above a threshold that the audit chose. A model that cannot be asked is an error: nothing is failed for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from verif.core.answers.final import final_answer
from verif.core.answers.reference import OPEN
from verif.core.answers.reference import part as rules_part
from verif.core.cache import VerdictCache
from verif.core.checks import kept
from verif.errors import JudgeError
from verif.system.files import digest
from verif.types import Cost, Instruction, ReferenceConstraint, Status, Verdict


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and a final answer to the same question."""

    question: str
    reference: str
    answer: str


FREE = Cost()
LONGEST_ASKED = 400
"""Characters of an answer about which a model is asked, or twice its reference's: a longer one is another answer, and could
else leave a served model's context and make an error of a fail."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The probability that a pair is the same answer, and what it cost to know."""

    probability: float
    cost: Cost = FREE


class AnswerModel(Protocol):
    """What says how likely two answers are the same. `part` is its identity."""

    part: str

    async def likeness(self, pair: Pair) -> Likeness:
        """Raises `JudgeError` where the model could not be asked; never for what the answer says."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class Hybrid:
    """A model behind the rules; `alone` lets it decide everything, to compare it with them."""

    def __init__(self, model: AnswerModel, threshold: float, *, alone: bool = False) -> None:
        self.model, self.threshold, self.alone = model, threshold, alone
        self.part = hybrid_part(model.part, threshold, alone=alone)

    async def verdicts(
        self,
        instruction: Instruction,
        answers: Sequence[str],
        by_rule: Sequence[Sequence[Verdict]],
        cache: VerdictCache | None,
    ) -> list[list[Verdict]]:
        """The rules' verdicts (`[answer][reference]`) with the model's word on those that are open."""
        rows = [
            asyncio.gather(*(self._verdict(instruction, text, verdict, cache) for verdict in verdicts))
            for text, verdicts in zip(answers, by_rule, strict=True)
        ]
        return [list(row) for row in await asyncio.gather(*rows)]

    async def close(self) -> None:
        """Release the model's connections."""
        await self.model.close()

    async def _verdict(
        self, instruction: Instruction, text: str, verdict: Verdict, cache: VerdictCache | None
    ) -> Verdict:
        (index,) = verdict.covers
        constraint = instruction.constraints[index]
        assert isinstance(constraint, ReferenceConstraint)
        if verdict.status not in (Status.PASS, Status.FAIL) or not (self.alone or verdict.evidence.get(OPEN)):
            return verdict
        final = final_answer(text).text
        content = constraint.model_dump(mode="json", exclude={"text"})
        key = digest([self.part, instruction.prompt, content, final])
        known = await asyncio.to_thread(kept, cache, key, index) if cache is not None else None
        if known is not None:
            return known
        asked = await self._asked(instruction.prompt, constraint, final, verdict)
        if cache is not None and asked.status in (Status.PASS, Status.FAIL):
            await asyncio.to_thread(cache.set, key, asked)
        return asked

    async def _asked(
        self, question: str, constraint: ReferenceConstraint, final: str, verdict: Verdict
    ) -> Verdict:
        """The verdict by the likeliest of the reference and its alternatives."""
        known = (constraint.answer, *constraint.alternatives)
        places = range(len(known)) if self.alone else verdict.evidence[OPEN]
        pairs = [
            Pair(question, known[place], final)
            for place in places
            if len(final) <= max(LONGEST_ASKED, 2 * len(known[place]))
        ]
        if not pairs:
            reason = verdict.reason or "the answer is much longer than the reference"
            return verdict.model_copy(update={"status": Status.FAIL, "reason": reason, "part": self.part})
        try:
            said = [await self.model.likeness(pair) for pair in pairs]
        except JudgeError as error:
            update = {"status": Status.ERROR, "reason": str(error)[:1000], "part": self.part}
            return verdict.model_copy(update=update)
        most = max(likeness.probability for likeness in said)
        cost = Cost(
            seconds=sum(likeness.cost.seconds for likeness in said),
            prompt_tokens=sum(likeness.cost.prompt_tokens for likeness in said),
            completion_tokens=sum(likeness.cost.completion_tokens for likeness in said),
        )
        passed = most > self.threshold
        return verdict.model_copy(
            update={
                "status": Status.PASS if passed else Status.FAIL,
                "reason": "" if passed else verdict.reason or "the model calls the answer another one",
                "evidence": {**verdict.evidence, "p_same": round(most, 6), "by": "model"},
                "part": self.part,
                "cost": cost,
            }
        )


def hybrid_part(model: str, threshold: float, *, alone: bool = False) -> str:
    """The identity of rules and model together."""
    return f"reference:{digest([rules_part(), model, threshold, alone])}"
