"""verif's own rules as a checker that `verif conform` can ask, and the example of one: `verif.audit.conform.own:check`."""

from __future__ import annotations

from typing import Any

from verif.core import rules
from verif.core.text import Doc
from verif.errors import InputError


def check(rule: str, params: dict[str, Any], prompt: str, response: str) -> bool | None:  # noqa: ARG001
    """Whether the response follows the rule; None for a rule that is not known here.

    >>> check("punctuation:no_comma", {}, "Describe the sea.", "Grey, wide.")
    False
    """
    try:
        spec = rules.get(rule)
    except InputError:
        return None
    return rules.check(spec, Doc(response), rules.validate(rule, params)).ok
