"""The registry of rules: constraint type -> typed parameters and one pure function.

A rule is `(doc, params) -> Outcome`; `doc` is the response with its segmentation done once and shared by
all checks (`verif.text.Doc`). Parameters are validated when a row is loaded (`validate`); a checked rule
cannot meet a missing or misspelt parameter. Raise the rule's `version` when its verdicts change: it is part of the cache key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from verif.errors import InputError
from verif.text import Doc


class Params(BaseModel):
    """Base of a rule's parameters: frozen, strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParams(Params):
    """For rules without parameters."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule found: `ok`, a short reason, and evidence such as the counted value."""

    ok: bool
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


RuleFunction = Callable[[Doc, Any], Outcome]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered constraint type."""

    id: str
    params: type[Params]
    check: RuleFunction
    version: int = 1

    @property
    def part(self) -> str:
        """The identity that goes into a verdict and its cache key."""
        return f"rule:{self.id}@{self.version}"


_RULES: dict[str, Rule] = {}


def rule(id: str, params: type[Params] = NoParams, version: int = 1) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function under `id` (decorator)."""

    def register(function: RuleFunction) -> RuleFunction:
        if id in _RULES:
            raise ValueError(f"rule {id!r} is registered twice")
        _RULES[id] = Rule(id, params, function, version)
        return function

    return register


def get(id: str) -> Rule:
    """The rule with that id; an unknown one is an `InputError` that names near misses."""
    if id not in _RULES:
        import difflib

        near = difflib.get_close_matches(id, _RULES, n=3)
        raise InputError(f"unknown constraint type {id!r}", hint=f"Did you mean {', '.join(near)}?" if near else "")
    return _RULES[id]


def rules() -> dict[str, Rule]:
    """All registered rules by id."""
    return dict(_RULES)


def validate(id: str, raw: dict[str, Any], *, file: object = None, row: int | None = None) -> Params:
    """Typed parameters of a rule, or an `InputError` that names file, row and field."""
    try:
        spec = get(id)
    except InputError as error:
        raise InputError(error.problem, file=file, row=row, hint=error.hint) from None
    try:
        return spec.params.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "params"
        raise InputError(f"{id}: {first['msg']}", file=file, row=row, field=name) from None
