"""A reference constraint decided: the final answer found, compared by kind, and a verdict made of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from verif.core.answer import Answer
from verif.core.answers import maths, plain
from verif.core.answers.final import final_answer
from verif.core.answers.maths import MathsError, Worker
from verif.core.answers.number import other_number
from verif.core.cache import VerdictCache
from verif.core.checks import kept
from verif.core.deciding import code_digest
from verif.core.plan import unscorable
from verif.system.files import digest
from verif.types import Constraint, Instruction, ReferenceConstraint, Status, Verdict

log = logging.getLogger("verif.service.build")

OPEN = "open"
"""In the evidence of a fail: the places (0: the reference, then its alternatives) of which the answer may be another form."""
CERTAIN = frozenset({"choice", "date"})
"""Comparisons after which nothing is open: there is one way to say it, or a few that the rules all know."""

_CLOSED = maths.REFUSED | {plain.UNSOLVED}
"""Reasons after which no model is asked, whatever the comparison."""


def part() -> str:
    """The identity of what decides references: its code and the versions of the libraries below it."""
    return f"reference:{digest([code_digest('answers'), maths.version()])}"


def reference_verdict(constraint: ReferenceConstraint, index: int, answer: Answer, worker: Worker) -> Verdict:
    """Whether a response's final answer is the reference, or one of its alternatives.

    No final answer is unscorable: nothing was said that could be compared. An expression that takes too long is a fail.
    """
    if answer.hopeless:
        return unscorable(index, answer.hopeless)
    final = final_answer(answer.text)
    decided_by = part()
    if final.why:
        return unscorable(index, f"the response {final.why}").model_copy(update={"part": decided_by})
    reason, open_to = "", []
    try:
        for place, reference in enumerate((constraint.answer, *constraint.alternatives)):
            same = (
                maths.same(reference, final.text, worker)
                if constraint.compare == "math"
                else plain.same(constraint.compare, reference, final.text, constraint.tolerance)
            )
            if same is True:
                return _verdict(Status.PASS, index, "", final.text, decided_by)
            if not (constraint.compare in CERTAIN or same in _CLOSED or other_number(reference, final.text)):
                open_to.append(place)
            reason = (
                f"the answer {same}" if isinstance(same, str) else "the answer differs from the reference"
            )
    except MathsError as error:
        log.error("%s", error)
        return _verdict(Status.ERROR, index, str(error), final.text, decided_by)
    return _verdict(Status.FAIL, index, reason, final.text, decided_by, open_to)


def reference_verdicts(
    instruction: Instruction, answers: Sequence[str], worker: Worker, cache: VerdictCache | None
) -> list[list[Verdict]]:
    """Verdicts of the instruction's references on distinct answers, as `[answer][reference]`; decided ones are cached."""
    grid: list[list[Verdict]] = []
    decided_by = part()
    for text in answers:
        verdicts = []
        for index, constraint in enumerate(instruction.constraints):
            if not isinstance(constraint, ReferenceConstraint):
                continue
            key = digest([decided_by, constraint.model_dump(mode="json", exclude={"text"}), text])
            verdict = kept(cache, key, index)
            if verdict is None:
                verdict = reference_verdict(constraint, index, Answer(text), worker)
                if cache is not None and verdict.status in (Status.PASS, Status.FAIL):
                    cache.set(key, verdict)
            verdicts.append(verdict)
        grid.append(verdicts)
    return grid


def wants_references(constraints: Sequence[Constraint]) -> bool:
    """Whether one of the constraints is a reference."""
    return any(isinstance(constraint, ReferenceConstraint) for constraint in constraints)


def _verdict(
    status: Status, index: int, reason: str, text: str, decided_by: str, open_to: Sequence[int] = ()
) -> Verdict:
    evidence = {"answer": text[:200]} | ({OPEN: list(open_to)} if open_to else {})
    return Verdict(status=status, covers=(index,), reason=reason, evidence=evidence, part=decided_by)
