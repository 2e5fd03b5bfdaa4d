"""Answers of known truth put to a verifier: what the rules said, what the model said, what a judge says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.core.answer import as_sent
from verif.core.verifies import Verifies
from verif.types import (
    Constraint,
    Instruction,
    Item,
    Reasoning,
    ReferenceConstraint,
    SoftConstraint,
    Status,
    Verdict,
)

OPINIONS = ("rules", "verifier", "judge")


@dataclass(frozen=True, slots=True)
class AnswerCase:
    """A response to a question with a reference, and whether it is right; `group` names its form, or its attack."""

    group: str
    question: str
    reference: str
    response: str
    right: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What was said of a case: True, False, or None where nothing was decided (or nobody was asked).

    `p_same` is the model's probability, where it was asked: only about what the rules call unequal.
    """

    case: AnswerCase
    rules: bool | None
    verifier: bool | None
    judge: bool | None = None
    p_same: float | None = None


async def compare(
    verifier: Verifies, cases: Sequence[AnswerCase], *, judged: bool, reasoning: Reasoning = "auto"
) -> list[Compared]:
    """One entry per case, in their order; without the cache. `judged` puts each case to the verifier's judge as well."""
    items = []
    for number, case in enumerate(cases):
        response = as_sent(case.response, reasoning)
        constraints: list[Constraint] = [
            ReferenceConstraint(text="Give the answer.", answer=case.reference, compare="math")
        ]
        if judged:
            same = f"The final answer is the same as the reference answer, which is: {case.reference}"
            constraints.append(SoftConstraint(text=same))
        asked = Instruction(id=str(number), prompt=case.question, constraints=tuple(constraints))
        items.append(Item(id=str(number), instruction=asked, response=response))
    verdicts: dict[str, tuple[Verdict, ...]] = {}
    async for verification in verifier.verify(items, cache=False, complete=True):
        verdicts[verification.id] = verification.verdicts
    return [_compared(case, verdicts[str(number)]) for number, case in enumerate(cases)]


def _compared(case: AnswerCase, verdicts: Sequence[Verdict]) -> Compared:
    reference = verdicts[0]
    probability = reference.evidence.get("p_same")
    by_model = isinstance(probability, float)
    said = _said(reference)
    return Compared(
        case,
        False if by_model else said,
        said,
        _said(verdicts[1]) if len(verdicts) > 1 else None,
        probability if by_model else None,
    )


def _said(verdict: Verdict) -> bool | None:
    """Unscorable is no acceptance: there is no answer. An error is nothing."""
    return None if verdict.status in (Status.ERROR, Status.SKIPPED) else verdict.status is Status.PASS
