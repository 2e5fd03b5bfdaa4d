"""The reward: a named formula over the verdicts of one response.

Three public formulas of VerIF disagree (paper sec. 3.1 and 4.1; first commit; released code), so each has a
name here. A term without constraints is absent, not 1: an instruction without soft constraints would
otherwise give half of its reward away. An error among the verdicts that matter makes the reward an error,
never a number. A plugin may register a formula of its own.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from verif.errors import RecipeError
from verif.system import plugins
from verif.types import FORMULAS, Constraint, Formula, Reward, Status, Verdict


def joint(statuses: Sequence[Status]) -> float:
    """1 if all passed, else 0 (the paper's `Code` and `LLM` terms)."""
    return float(all(s is Status.PASS for s in statuses))


def mean(statuses: Sequence[Status]) -> float:
    """The share that passed (the rule term of the released code)."""
    return sum(s is Status.PASS for s in statuses) / len(statuses)


THREE_TERMS = "three-terms"
"""As `average`, with reference answers as a term of their own beside rules and checkers."""
PARTS = "parts"
"""The share that holds of the hard constraints, each by itself, and the soft ones, together: a reward says which of two
failing responses fails less."""
FEW = 16
"""Constraints of an instruction whose rewards are remembered: few statuses make few rewards."""
Combine = Callable[[Sequence[Status], Sequence[Status]], float]
log = logging.getLogger("verif.reward")


@dataclass(frozen=True, slots=True)
class Registered:
    """A formula that a plugin brought: statuses of the hard and of the soft constraints to a reward."""

    name: str
    combine: Combine


_REGISTERED: dict[str, Registered] = {}


def formula(name: str) -> Callable[[Combine], Combine]:
    """Register a function of the decided hard and soft statuses as a formula (decorator).

    It is asked only when something was, and about decided statuses; every constraint matters to it. What is no
    number, or an exception, is an error and no reward.

    >>> from verif import formula
    >>> @formula("example:share")
    ... def share(hard, soft):
    ...     return sum(status == "pass" for status in (*hard, *soft)) / len((*hard, *soft))
    """

    def register(function: Combine) -> Combine:
        if name in FORMULAS or name in _REGISTERED:
            raise ValueError(f"formula {name!r} is registered twice")
        _REGISTERED[name] = Registered(name, function)
        return function

    return register


def is_formula(name: str) -> bool:
    """Whether a formula has that name, a plugin's included."""
    if name not in FORMULAS and name not in _REGISTERED:
        plugins.load_known("verif.formulas")
    return name in FORMULAS or name in _REGISTERED


def require_formula(name: str) -> None:
    """`RecipeError` that names the known ones, unless there is such a formula."""
    if not is_formula(name):
        known = ", ".join((*FORMULAS, *sorted(_REGISTERED)))
        raise RecipeError(f"verifier.formula: unknown formula {name[:80]!r}.", f"Known: {known}.")


def combine(
    hard: Sequence[Status], soft: Sequence[Status], formula: Formula, references: Sequence[Status] = ()
) -> tuple[float, dict[str, float]]:
    """Reward and its present terms, from decided statuses only; all sequences empty is a reward of 1.

    `references` are given apart from `hard` only where the formula is `three-terms`.
    """
    terms: dict[str, float] = {"reference": joint(references)} if references else {}
    if hard and formula != "soft-only":
        terms["hard"] = mean(hard) if formula in ("product", PARTS) else joint(hard)
    if soft and formula != "hard-only":
        terms["soft"] = joint(soft)
    if not terms:
        return 1.0, terms
    if formula not in FORMULAS:
        require_formula(formula)
        return float(_REGISTERED[formula].combine(hard, soft)), terms
    if formula in ("average", THREE_TERMS):
        return sum(terms.values()) / len(terms), terms
    if formula == PARTS:
        held = [status is Status.PASS for status in hard] + ([terms["soft"] == 1.0] if soft else [])
        return sum(held) / len(held), terms
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
    kinds = tuple([constraint.kind for constraint in constraints])
    known = formula in FORMULAS and len(kinds) <= FEW  # a plugin's formula is asked each time
    return (_reward if known else _reward.__wrapped__)(kinds, tuple(statuses), formula, unscorable)


def _term(kind: str, formula: Formula) -> str:
    """The term that a constraint counts in."""
    if formula == THREE_TERMS and kind == "reference":
        return "reference"
    return "soft" if kind == "soft" else "hard"


@lru_cache(maxsize=1024)
def _reward(
    kinds: tuple[str, ...], statuses: tuple[Status, ...], formula: Formula, unscorable: float
) -> Reward:
    """The reward of these statuses of constraints of these kinds."""
    terms_of = [_term(kind, formula) for kind in kinds]
    used = [
        (term, status)
        for term, status in zip(terms_of, statuses, strict=True)
        if not (formula == "hard-only" and term == "soft") and not (formula == "soft-only" and term != "soft")
    ]
    if any(status is Status.ERROR for _, status in used):
        return Reward(value=None, state="error", formula=formula)
    if any(status is Status.UNSCORABLE for _, status in used):
        return Reward(value=unscorable, state="unscorable", formula=formula)
    hard, soft, references = (
        [status for term, status in used if term == name] for name in ("hard", "soft", "reference")
    )
    if any(status is Status.SKIPPED for status in (*hard, *references)):
        return Reward(value=None, state="error", formula=formula)
    if any(status is Status.SKIPPED for status in soft):
        value, terms = combine(hard, [], formula)
        if formula in ("product", "all") and hard and value == 0.0:
            return Reward(value=0.0, state="scored", formula=formula, terms=terms)
        return Reward(value=None, state="error", formula=formula)
    try:
        value, terms = combine(hard, soft, formula, references)
    except Exception:
        log.exception("formula %s failed", formula)
        value, terms = math.nan, {}
    if not math.isfinite(value):  # a plugin's
        return Reward(value=None, state="error", formula=formula)
    return Reward(value=value, state="scored", formula=formula, terms=terms)
