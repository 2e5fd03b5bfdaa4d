"""Hard constraints decided by code: IFEval's types under their upstream ids, their variants, the local world's types.

A module of this folder is read when a rule is first asked for: adding a file adds its rules.
"""

from verif.core.rules.check import EMPTY, check
from verif.core.rules.registry import (
    Edits,
    Example,
    NoParams,
    Outcome,
    Params,
    Rule,
    get,
    rule,
    rules,
    validate,
)

__all__ = [
    "EMPTY", "Edits", "Example", "NoParams", "Outcome", "Params", "Rule", "check", "get", "rule", "rules", "validate",
]  # fmt: skip
