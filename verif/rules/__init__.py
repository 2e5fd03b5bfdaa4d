"""Hard constraints decided by code: all IFEval types under their upstream ids, repaired variants, the local world's types."""

from verif.rules.registry import NoParams, Outcome, Params, Rule, get, rule, rules, validate

__all__ = ["NoParams", "Outcome", "Params", "Rule", "get", "rule", "rules", "validate"]
