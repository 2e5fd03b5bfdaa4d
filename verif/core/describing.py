"""What a rule is, in words, for `verif rules show` and for docs/reference/rules.md: made from the rule itself."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from verif.core.rules.params import MOST
from verif.core.rules.registry import Example, Rule

SOURCES = {
    "ifbench": "IFBench",
    "rlvr": "IF-RLVR",
    "mifeval": "M-IFEval",
    "multilingual": "Multi-IF",
    "local": "the local world",
    "judgement": "judgements",
    "open_instruct": "RLVR-IFeval",
    "open_instruct_text": "RLVR-IFeval",
}
_KINDS = {"integer": "whole number", "string": "text", "boolean": "true or false", "number": "number"}
_RANGES = (
    ("minLength", "from {} characters"), ("maxLength", "up to {} characters"), ("minItems", "from {} entries"),
    ("maxItems", "up to {} entries"), ("pattern", "matching `{}`"),
)  # fmt: skip
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True, slots=True)
class About:
    """A rule in words: where it is from, parameters (name, type, range), what counts, edge cases, a text for prompts."""

    id: str
    source: str
    parameters: tuple[tuple[str, str, str], ...]
    counts: str
    edges: str
    asks: str
    example: Example | None


def about(rule: Rule) -> About:
    """The words of a rule. `edges` is what its docstring says after the first paragraph."""
    first, _, rest = (inspect.getdoc(rule.check) or "").partition("\n\n")
    schema = rule.params.model_json_schema(mode="validation")
    required = set(schema.get("required", ()))
    parameters = tuple(
        (name, *_words(_resolved(field, schema), name in required, _bounds(rule.params.model_fields[name])))
        for name, field in schema.get("properties", {}).items()
    )
    return About(
        rule.id,
        source(rule),
        parameters,
        _line(first),
        _line(rest.replace("\n\n", " ")),
        rule.asks,
        rule.example,
    )


def source(rule: Rule) -> str:
    """The benchmark or data set that a rule is from."""
    if rule.plugin:
        return f"plugin {rule.plugin}"
    if rule.id[:3] in ("es:", "fr:", "ja:"):
        return SOURCES["mifeval"]
    parts = rule.check.__module__.split(".")
    known = [name for key, name in SOURCES.items() if key in parts[3:]]
    if known:
        return known[0]
    if parts[:3] != ["verif", "core", "rules"]:
        return "a script"
    return "verif" if rule.id.endswith("_fixed") else "IFEval"


def _line(text: str) -> str:
    return " ".join(text.split())


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref", "").rpartition("/")[2]
    resolved: dict[str, Any] = schema.get("$defs", {}).get(reference, field)
    return resolved


def _bounds(field: FieldInfo) -> list[str]:
    """The range of a number; what any reader of JSON can hold at most is no bound worth a word."""
    marks = [(sign, getattr(mark, name, None)) for mark in field.metadata for name, sign in _SIGNS.items()]
    return [f"{sign} {bound:,}" for sign, bound in marks if bound is not None and bound < MOST]


def _words(field: dict[str, Any], required: bool, bounds: list[str]) -> tuple[str, str]:
    """Type and range of a parameter."""
    limits = [
        (text, field[key]) for key, text in _RANGES if key in field and (key[:3], field[key]) != ("min", 1)
    ]
    ranges = bounds + [
        text.format(f"{limit:,}" if isinstance(limit, int) else limit) for text, limit in limits
    ]
    if field.get("minLength") == field.get("maxLength") == 1:
        ranges = ["one character", *(text for text in ranges if "matching" in text)]
    if not required:
        ranges.append(f"default {field['default']}" if "default" in field else "may be absent")
    if "enum" in field:
        return " or ".join(f'"{value}"' for value in field["enum"]), ", ".join(ranges)
    kind = field.get("type", "")
    if kind == "array":
        inner, inner_range = _words(field.get("items", {}), True, [])
        return f"list of {inner}", ", ".join([*ranges, *([f"each {inner_range}"] if inner_range else [])])
    return ("map of text to text" if kind == "object" else _KINDS.get(kind, "any")), ", ".join(ranges)
