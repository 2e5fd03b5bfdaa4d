"""Hard constraints decided by code: IFEval's types under their upstream ids, their variants, the local world's types."""

import importlib
import importlib.util

from verif.core.rules.check import EMPTY, check
from verif.core.rules.registry import NoParams, Outcome, Params, Rule, get, rule, rules, validate

for _family in (
    "casing",
    "combination",
    "content",
    "formatting",
    "keywords",
    "language",
    "length",
    "multilingual",
    "phrases",
):
    importlib.import_module(f"verif.core.rules.{_family}")
if importlib.util.find_spec("verif.core.rules.local"):
    importlib.import_module("verif.core.rules.local")

__all__ = ["EMPTY", "NoParams", "Outcome", "Params", "Rule", "check", "get", "rule", "rules", "validate"]
