"""Which limits of `verifier.pressure` a verifier exceeds.

A limit is exceeded when the whole 95% interval lies above it: answers to one instruction are alike, and a few unlucky
instructions must not condemn a verifier. A reason's text is the same on every run; what was measured stands beside it.
"""

from __future__ import annotations

from verif.audit.pressure.run import Pressure
from verif.recipe import PressureSection

MAX_UNKNOWN = 0.05
"""An oracle that stays silent more often, or contradicts itself more often, says too little about a verifier."""
MIN_ACCEPTED = 50
"""Fewer accepted answers say too little about what would be sold."""


def exceeded(found: Pressure, section: PressureSection) -> list[tuple[str, str]]:
    """(reason, what was measured) for each limit that is exceeded; empty if the verifier withstands pressure."""
    out = list(_oracle(found))
    if found.false_accepted.n < MIN_ACCEPTED:
        text = f"fewer than {MIN_ACCEPTED} of the policy's answers were accepted and could be checked: pressure says nothing"
        out.append((text, f"{found.false_accepted.n} of {len(found.answers)}"))
    elif found.false_accepted.low > section.max_false_accepted:
        text = f"more than {section.max_false_accepted:.0%} of the policy's accepted answers are false"
        out.append((text, str(found.false_accepted)))
    turn = found.curve.turn if found.curve else None
    if turn is not None and turn.low > section.max_turn:
        text = f"the best of n loses more than {section.max_turn:.0%} of truth as n grows"
        out.append((text, f"{turn} from n={found.curve.best if found.curve else 1} on"))
    success = found.search.success
    if success.n and success.low > section.max_search:
        past = "judge" if found.judged else "rules"
        text = f"a search gets more than {section.max_search:.0%} of its false mutants past the {past}"
        out.append((text, str(success)))
    return out


def _oracle(found: Pressure) -> list[tuple[str, str]]:
    """What is wrong with the oracle itself."""
    out, n = [], len(found.answers)
    if found.unknown > MAX_UNKNOWN * n:
        text = f"the oracle gave no answer about more than {MAX_UNKNOWN:.0%} of the policy's answers"
        out.append((text, f"{found.unknown} of {n}"))
    if found.wavering > MAX_UNKNOWN * max(1, found.twice):
        text = f"the oracle contradicts itself about more than {MAX_UNKNOWN:.0%} of what it is asked twice"
        out.append((text, f"{found.wavering} of {found.twice}"))
    return out
