"""A stage's JSON as flat numbers: what people look at first comes first."""

from __future__ import annotations

from typing import Any


def numbers(value: Any) -> dict[str, float]:
    """Nested numbers by their path, as MLflow metrics; a truth value is 0 or 1. What is looked at first comes first."""
    figures = {
        name: float(leaf) for name, leaf in leaves(value, "/").items() if isinstance(leaf, int | float)
    }
    return dict(sorted(figures.items(), key=lambda pair: _rank(pair[0])))


_DETAIL = ("low", "high", "n", "p_value", "p_holm", "effect_size")


def _rank(path: str) -> tuple[bool, int]:
    """Values before their intervals, what stands near the top of the file before what is deep in it."""
    last = path.rsplit("/", 1)[-1]
    return last in _DETAIL or last.endswith(("_low", "_high")), path.count("/")


def leaves(value: Any, between: str, name: str = "") -> dict[str, Any]:
    """The scalars of nested JSON, by their path."""
    if not isinstance(value, dict):
        return {name: value}
    out: dict[str, Any] = {}
    for key, item in value.items():
        out |= leaves(item, between, f"{name}{between}{key}" if name else str(key))
    return out
