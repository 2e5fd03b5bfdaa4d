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


def exceeded(pressure: Pressure, section: PressureSection) -> list[tuple[str, str]]:
    """(reason, what was measured) for each limit that is exceeded; empty if the verifier withstands pressure."""
    out = list(_oracle(pressure))
    if pressure.false_accepted.n < MIN_ACCEPTED:
        text = f"fewer than {MIN_ACCEPTED} of the policy's answers were accepted and could be checked: pressure says nothing"
        out.append((text, f"{pressure.false_accepted.n} of {len(pressure.answers)}"))
    elif pressure.false_accepted.low > section.max_false_accepted:
        text = f"more than {section.max_false_accepted:.0%} of the policy's accepted answers are false"
        out.append((text, str(pressure.false_accepted)))
    turn = pressure.curve.turn if pressure.curve else None
    if turn is not None and turn.low > section.max_turn:
        text = f"the best of n loses more than {section.max_turn:.0%} of truth as n grows"
        out.append((text, f"{turn} from n={pressure.curve.best if pressure.curve else 1} on"))
    success = pressure.search.success
    if success.n and success.low > section.max_search:
        past = "judge" if pressure.judged else "rules"
        text = f"a search gets more than {section.max_search:.0%} of its false mutants past the {past}"
        out.append((text, str(success)))
    return out


def _oracle(pressure: Pressure) -> list[tuple[str, str]]:
    """What is wrong with the oracle itself."""
    out, n = [], len(pressure.answers)
    if pressure.unknown > MAX_UNKNOWN * n:
        text = f"the oracle gave no answer about more than {MAX_UNKNOWN:.0%} of the policy's answers"
        out.append((text, f"{pressure.unknown} of {n}"))
    if pressure.wavering > MAX_UNKNOWN * max(1, pressure.twice):
        text = f"the oracle contradicts itself about more than {MAX_UNKNOWN:.0%} of what it is asked twice"
        out.append((text, f"{pressure.wavering} of {pressure.twice}"))
    return out
