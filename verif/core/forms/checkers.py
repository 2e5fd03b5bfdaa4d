"""VerInstruct: `checkers` in words, and the `functions` that decide them."""

from __future__ import annotations

import re

from verif.core.forms.fields import Raw, Where, list_field
from verif.types import CheckerConstraint, Constraint, SoftConstraint

_TAG = re.compile(r"\s*\[(rule|llm)\]\s*", re.IGNORECASE)
_FAMILY = re.compile(r"\s*([A-Za-z][A-Za-z_\-]{0,60})\s*:\s*")


def constraints(raw: Raw, where: Where) -> tuple[tuple[Constraint, ...], list[str]]:
    """Constraints and the family of each.

    `checkers[i]` is `[rule] Family: text` or `[llm] Family: text`. Without a tag, a function that calls
    `llm_score` is soft and any other is a checker: no constraint is dropped. A function in a Markdown fence is read
    without it.
    """
    labels, functions = list_field(raw, "checkers", where), list_field(raw, "functions", where)
    if len(labels) != len(functions):
        raise where.error(f"has {len(functions)} entries for {len(labels)} checkers", "functions")
    out: list[Constraint] = []
    families: list[str] = []
    for position, (label, source) in enumerate(zip(labels, functions, strict=True)):
        if not isinstance(label, str):
            raise where.wanted("text", label, f"checkers.{position}")
        if not isinstance(source, str | None):
            raise where.wanted("text", source, f"functions.{position}")
        family, constraint = _constraint(label, unfenced(source or ""))
        if isinstance(constraint, CheckerConstraint) and not constraint.source.strip():
            raise where.error("a [rule] checker needs its function", f"functions.{position}")
        families.append(family)
        out.append(constraint)
    return tuple(out), families


def unfenced(source: str) -> str:
    """A function without the Markdown fence around it; models write one, and no parser reads it."""
    lines = source.strip().split("\n")
    opening, language = lines[0][:3], lines[0][3:].strip().lower()
    fenced = opening in ("```", "~~~") and language in ("", "python", "python3", "py")
    inside = "\n".join(lines[1:-1])
    if not fenced or len(lines) < 3 or lines[-1].strip() != opening or opening in inside:
        return source
    return inside


def _constraint(label: str, source: str) -> tuple[str, Constraint]:
    tag = _TAG.match(label)
    rest = label[tag.end() :] if tag else label
    named = _FAMILY.match(rest)
    family, text = (named.group(1), rest[named.end() :]) if named else ("", rest)
    soft = tag.group(1).lower() == "llm" if tag else "llm_score" in source or not source.strip()
    text = text.strip()
    return family, SoftConstraint(text=text, dimension=family) if soft else CheckerConstraint(
        text=text, source=source
    )
