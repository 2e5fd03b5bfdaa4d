"""How a rule is applied to a response: strictly, or loosely over its eight transformed variants."""

from __future__ import annotations

from verif.core.rules.registry import Outcome, Params, Rule
from verif.core.text import Doc

EMPTY = Outcome(False, "the response is empty", {})


def check(spec: Rule, doc: Doc, params: Params, *, loose: bool = False) -> Outcome:
    """The outcome of one rule on one response.

    Strict: the response as it is. Loose: passes if the response or one of its variants (`Doc.variants`)
    passes; a failure reports the response's own. As upstream, a blank response fails every rule.
    """
    if doc.blank:
        return EMPTY
    own: Outcome = spec.check(doc, params)
    if own.ok or not loose:
        return own
    for variant in doc.variants:
        if variant is not doc:
            outcome: Outcome = spec.check(variant, params)
            if outcome.ok:
                return Outcome(
                    True, f"{outcome.reason} (without first or last line, or asterisks)", outcome.evidence
                )
    return own
