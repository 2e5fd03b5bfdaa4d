"""The reward: a named formula over the verdicts of one response.

Three public formulas of VerIF disagree (paper sec. 3.1 and 4.1; first commit; released code), so each has a
name here. A term without constraints is absent, not 1: an instruction without soft constraints would
otherwise give half of its reward away. An error among the verdicts that matter makes the reward an error,
never a number.
"""

from __future__ import annotations

from collections.abc import Sequence

from verif.types import Constraint, Formula, Reward, Status, Verdict, is_hard


def joint(statuses: Sequence[Status]) -> float:
    """1 if all passed, else 0 (the paper's `Code` and `LLM` terms)."""
    return float(all(s is Status.PASS for s in statuses))


def mean(statuses: Sequence[Status]) -> float:
    """The share that passed (the rule term of the released code)."""
    return sum(s is Status.PASS for s in statuses) / len(statuses)


def combine(
    hard: Sequence[Status], soft: Sequence[Status], formula: Formula
) -> tuple[float, dict[str, float]]:
    """Reward and its present terms, from decided statuses only; both sequences empty is a reward of 1."""
    terms: dict[str, float] = {}
    if hard and formula != "soft-only":
        terms["hard"] = mean(hard) if formula == "product" else joint(hard)
    if soft and formula != "hard-only":
        terms["soft"] = joint(soft)
    if not terms:
        return 1.0, terms
    if formula == "average":
        return sum(terms.values()) / len(terms), terms
    value = 1.0
    for term in terms.values():
        value *= term
    return value, terms


def reward(
    constraints: Sequence[Constraint], verdicts: Sequence[Verdict], formula: Formula, unscorable: float = 0.0
) -> Reward:
    """The reward of one response.

    `unscorable` is the recipe's reward for a response that could not be judged through the policy's own
    fault. A skipped soft term is legal only where the formula proves it cannot matter (a product that is
    already 0).
    """
    statuses = [Status.SKIPPED] * len(constraints)
    for verdict in verdicts:
        for index in verdict.covers:
            statuses[index] = verdict.status
    used = [
        (constraint, status)
        for constraint, status in zip(constraints, statuses, strict=True)
        if not (formula == "hard-only" and not is_hard(constraint))
        and not (formula == "soft-only" and is_hard(constraint))
    ]
    if any(status is Status.ERROR for _, status in used):
        return Reward(value=None, state="error", formula=formula)
    if any(status is Status.UNSCORABLE for _, status in used):
        return Reward(value=unscorable, state="unscorable", formula=formula)
    hard = [status for constraint, status in used if is_hard(constraint)]
    soft = [status for constraint, status in used if not is_hard(constraint)]
    if any(status is Status.SKIPPED for status in hard):
        return Reward(value=None, state="error", formula=formula)
    if any(status is Status.SKIPPED for status in soft):
        value, terms = combine(hard, [], formula)
        if formula in ("product", "all") and hard and value == 0.0:
            return Reward(value=0.0, state="scored", formula=formula, terms=terms)
        return Reward(value=None, state="error", formula=formula)
    value, terms = combine(hard, soft, formula)
    return Reward(value=value, state="scored", formula=formula, terms=terms)
