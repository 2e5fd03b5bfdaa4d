"""Conditions of the gate on how answers read: a gain that reads like a copy of the prompt does not count.

The recipe states the bounds (`register.gate.drift`); what was not measured is not passed.
"""

from __future__ import annotations

from typing import Any

from verif.evaluation.summary import in_order
from verif.recipe import DriftBounds
from verif.registry.criteria import MIN_KNOWN, Criterion


def drift_checks(evaluation: dict[str, Any], bounds: DriftBounds | None) -> list[Criterion]:
    """A criterion for each bound, of the first benchmark's greedy answers; none where the recipe states none."""
    if bounds is None:
        return []
    drift: dict[str, Any] = evaluation.get("drift") or {}
    first: dict[str, Any] = next(iter(in_order(evaluation).values()), {})
    before, after = ((first.get(side) or {}).get("greedy_form") or {} for side in ("before", "after"))
    likelihood = _drop(drift, "likelihood")
    relevance, by = _drop(drift, "relevance"), (drift.get("relevance") or {}).get("by", "")
    if "named" in drift:  # the policy was trained against this judge: what it misses, a missing word may show
        named = _drop(drift, "named")
        if relevance is not None and (named is None or named > relevance):
            relevance, by = named, drift["named"].get("by", "")
    return [
        _check("likelihood", likelihood, bounds.likelihood, "nats per token less likely under the starting model"),
        _check("relevance", relevance, bounds.relevance, f"fewer answers do their task (by: {by or 'nobody'})"),
        _check("repetition", _rise(before, after, "repeated_worst_tenth"), bounds.repeated,
               "more of the worst tenth's text stands in the same answer before"),
        _check("copies", _rise(before, after, "copied_worst_tenth"), bounds.copied,
               "more of the worst tenth's text is copied from the prompt"),
        _check("unfinished", _rise(before, after, "unfinished"), bounds.unfinished, "more answers do not end"),
        _check("length", _shorter(before, after), bounds.shorter, "of the mean length is lost"),
    ]  # fmt: skip


def _drop(drift: dict[str, Any], name: str) -> float | None:
    """The drop; None where it was not measured, or on fewer of its cases than verdicts must be known of."""
    cell: dict[str, Any] = drift.get(name) or {}
    drop: dict[str, Any] = cell.get("drop") or {}
    known, left_out = drop.get("n", 0), cell.get("left_out", 0)
    return drop.get("value") if known and known / (known + left_out) >= MIN_KNOWN else None


def _check(name: str, value: float | None, limit: float, what: str) -> Criterion:
    if value is None:
        note = f"not measured, or of too few answers (`evaluate.drift`); allowed {limit:.2f}"
        return Criterion(name, False, None, limit, note)
    return Criterion(name, value <= limit, value, limit, f"{value:+.3f} {what}, allowed {limit:.2f}")


def _number(form: dict[str, Any], key: str) -> float | None:
    cell = form.get(key)
    value = cell.get("value") if isinstance(cell, dict) else cell
    return float(value) if isinstance(value, int | float) else None


def _rise(before: dict[str, Any], after: dict[str, Any], key: str) -> float | None:
    old, new = _number(before, key), _number(after, key)
    return None if old is None or new is None else new - old


def _shorter(before: dict[str, Any], after: dict[str, Any]) -> float | None:
    old, new = _number(before, "length"), _number(after, "length")
    return None if not old or new is None else 1 - new / old
