"""How many of the answers that the verifier accepts are false: the number that training turns into a policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from verif.audit.cases import AuditCase, Opinion
from verif.stats import Interval, bootstrap_mean, proportion
from verif.types import Formula, is_hard, type_names


@dataclass(frozen=True, slots=True)
class PressedAnswer:
    """An answer of the policy with its truth (in the case) and what the verifier says."""

    case: AuditCase
    opinion: Opinion
    temperature: float


def false_accepted(answers: Sequence[PressedAnswer], formula: Formula, seed: int) -> Interval:
    """Share of accepted answers that are false. The interval resamples instructions: answers to one are alike."""
    known = [
        (a, truth) for a in answers if a.opinion.accepted and (truth := a.case.claimed(formula)) is not None
    ]
    return bootstrap_mean(
        [float(not truth) for _, truth in known], [a.case.instruction.id for a, _ in known], seed=seed
    )


def by_construction(answers: Sequence[PressedAnswer], formula: Formula) -> dict[str, Interval]:
    """Of the false answers of each construction, the share that is accepted.

    A construction is the one constraint that is broken, `language` where all soft ones are (in the local world a
    slip of grammar breaks them together), or `several`.
    """
    said: dict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        if answer.case.claimed(formula) is False and (accepted := answer.opinion.accepted) is not None:
            said[construction(answer.case)].append(accepted)
    return {name: proportion(sum(hits), len(hits)) for name, hits in sorted(said.items())}


def construction(case: AuditCase) -> str:
    """In what way a false response is false; see `by_construction`."""
    constraints = case.instruction.constraints
    wrong = [i for i, truth in enumerate(case.truth) if truth is False]
    soft = [i for i, constraint in enumerate(constraints) if not is_hard(constraint)]
    if len(wrong) == 1:
        return type_names(case.instruction)[wrong[0]]
    return "language" if soft and wrong == soft else "several"
