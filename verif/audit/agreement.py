"""Do rules and judge agree where both can decide?

Each hard constraint of some cases is put to the judge as if it were soft. Rules are right by definition
there; a judge that often disagrees should not be asked about such constraints. Cohen's kappa corrects for
agreement by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from verif.audit.accuracy import Confusion
from verif.audit.cases import AuditCase, Opinion, ask, passed, positions
from verif.core.verifies import Verifies
from verif.stats import Interval, cohens_kappa, proportion
from verif.types import Formula, Reasoning, SoftConstraint


@dataclass(slots=True)
class Agreement:
    """Rules' decisions (as truth) against the judge's on the same constraints."""

    confusion: Confusion = field(default_factory=Confusion)

    @property
    def rate(self) -> Interval:
        """Share of constraints on which both decide alike."""
        return self.confusion.accuracy

    @property
    def kappa(self) -> Interval | None:
        """Cohen's kappa; None if one of them never changes its mind."""
        c = self.confusion
        if not c.n:
            return None
        rules_pass = (c.true_accepted + c.true_rejected) / c.n
        judge_pass = (c.true_accepted + c.false_accepted) / c.n
        return cohens_kappa(self.rate, rules_pass, judge_pass)

    @property
    def errors(self) -> Interval:
        """Share of questions that the judge could not answer."""
        return proportion(self.confusion.undecided, self.confusion.undecided + self.confusion.n)


async def measure(
    verifier: Verifies,
    cases: Sequence[AuditCase],
    opinions: Sequence[Opinion],
    formula: Formula,
    limit: int,
    *,
    reasoning: Reasoning = "auto",
) -> Agreement:
    """Put up to `limit` hard constraints, one of each case in turn, to the judge."""
    questions: list[AuditCase] = []
    expected: list[bool] = []
    for number, (case, opinion) in enumerate(zip(cases, opinions, strict=True)):
        hard = positions(case.instruction, hard=True)
        if not hard or len(questions) >= limit:
            continue
        index = hard[number % len(hard)]
        status = next((v.status for v in opinion.verdicts if index in v.covers), None)
        decision = None if status is None else passed(status)
        if decision is None:
            continue
        constraint = SoftConstraint(text=case.instruction.constraints[index].text, dimension="rule")
        asked = case.instruction.model_copy(update={"constraints": (constraint,)})
        questions.append(AuditCase(f"agreement-{number}", asked, case.text, (decision,)))
        expected.append(decision)
    out = Agreement()
    # A formula that looks at no soft constraint would leave the judge out: the question here is the judge's alone.
    wanted: Formula = "soft-only" if formula == "hard-only" else formula
    answers = await ask(verifier, questions, wanted, hard=False, reasoning=reasoning)
    for decision, answer in zip(expected, answers, strict=True):
        out.confusion.add(decision, answer.judge)
    return out
