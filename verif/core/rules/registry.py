"""The registry of rules: constraint type -> typed parameters and one pure function.

A rule is `(doc, params) -> Outcome`; `doc` is the response with its segmentation done once and shared by
all checks (`verif.core.text.Doc`). Parameters are validated when a row is loaded (`validate`); a checked rule
cannot meet a missing or misspelt parameter. Raise the rule's `version` when its verdicts change: it is part of the cache key.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from verif.core.rules.expressions import odd, shown
from verif.core.text import Doc
from verif.errors import InputError
from verif.system import plugins


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
Raw = dict[str, Any]
Edit = Callable[[random.Random, str, Raw], str]


@dataclass(frozen=True, slots=True)
class Edits:
    """The audit's test of a rule: texts that a least edit makes follow, or no longer follow.

    `draw` makes parameters; `repair` makes any text follow, and leaves a following one following; `break_` makes a
    following text fail, with the least edit. They count by themselves and never call the rule, so that one that
    miscounts is found.
    """

    draw: Callable[[random.Random], Raw]
    repair: Edit
    break_: Edit


class Example(NamedTuple):
    """Parameters, a text that follows, and one that differs little and does not. A test executes both."""

    params: Raw
    follows: str
    fails: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered constraint type. `plugin` names the module that brought it, "" for verif's own and a script's.

    `asks` is a sentence for a prompt; parameters stand in it in braces.
    """

    id: str
    params: type[Params]
    check: RuleFunction
    version: int = 1
    flavour: Callable[[], str] | None = None
    edits: Edits | None = None
    plugin: str = ""
    asks: str = ""
    example: Example | None = None

    @property
    def part(self) -> str:
        """The identity that goes into a verdict and its cache key.

        `flavour` names what the machine supplies (an installed Punkt or our own), so that two machines
        that may answer differently never share a cached verdict.
        """
        return f"rule:{self.id}@{self.version}" + (f"+{self.flavour()}" if self.flavour else "")


log = logging.getLogger("verif.rules")
_RULES: dict[str, Rule] = {}
_PACKAGE = __name__.rpartition(".")[0]
_lock = threading.RLock()
_loaded = False


def rule(
    id: str,
    params: type[Params] = NoParams,
    version: int = 1,
    flavour: Callable[[], str] | None = None,
    edits: Edits | None = None,
    asks: str = "",
    example: tuple[Raw, str, str] | None = None,
) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function under `id` (decorator). With `edits`, the audit tests the rule by them, or by its `example`.

    `asks` and `example` (see `Example`) are what `verif rules show` tells of the rule beside its docstring.

    >>> from verif import Outcome, RuleConstraint, rule, verify
    >>> @rule("example:short")
    ... def short(doc, params):
    ...     return Outcome(len(doc.words) <= 3, f"{len(doc.words)} words", {"words": len(doc.words)})
    >>> asked = RuleConstraint(text="Be short.", rule="example:short")
    >>> verify("Describe the harbour.", "It is a calm harbour.", [asked]).verdicts[0].reason
    '5 words'
    """

    def register(function: RuleFunction) -> RuleFunction:
        if not function.__module__.startswith(f"{_PACKAGE}."):
            _load()  # so that a name which is taken is refused here, and not when ours are read
        if id in _RULES:
            raise ValueError(f"rule {id!r} is registered twice")
        shown_by = Example(*example) if example else None
        _RULES[id] = Rule(id, params, function, version, flavour, edits, plugins.loading(), asks, shown_by)
        return function

    return register


def _load() -> None:
    """Import the modules beside and below this one: no list names a rule."""
    global _loaded
    with _lock:
        if not _loaded:
            _loaded = True
            package = importlib.import_module(_PACKAGE)
            for module in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}."):
                importlib.import_module(module.name)


def get(id: str) -> Rule:
    """The rule with that id; an unknown one is an `InputError` that names near misses."""
    if id not in _RULES:
        _load()
    if id not in _RULES:
        plugins.load_known("verif.rules")
    if id not in _RULES:
        import difflib

        near = difflib.get_close_matches(id[:200], _RULES, n=3, cutoff=0.8)
        raise InputError(
            f"unknown constraint type {shown(id)}", hint=f"Did you mean {', '.join(near)}?" if near else ""
        )
    return _RULES[id]


def rules() -> dict[str, Rule]:
    """All registered rules by id."""
    _load()
    plugins.load_known("verif.rules")
    return dict(_RULES)


def validate(id: str, raw: dict[str, Any], *, file: object = None, row: int | None = None) -> Params:
    """Typed parameters of a rule, or an `InputError` that names file, row and field.

    A null value means an absent parameter: published IFEval tables hold every parameter name in every row.
    """
    try:
        spec = get(id)
    except InputError as error:
        raise InputError(error.problem, file=file, row=row, hint=error.hint) from None
    try:
        params = spec.params.model_validate({name: value for name, value in raw.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "params"
        known = ", ".join(spec.params.model_fields) or "none"
        message = f"{id}: {first['msg'].removeprefix('Value error, ')}"
        raise InputError(
            message, file=file, row=row, field=name, hint=f"Parameters of {id}: {known}."
        ) from None
    if id in _EXPRESSIONS and f"{id}_fixed" in _RULES:
        for value in params.model_dump().values():
            for keyword in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                _warn(id, keyword)
    return params


_EXPRESSIONS = ("keywords:existence", "keywords:forbidden_words", "keywords:frequency")
"""Rules whose texts are read as regular expressions and that have a repaired namesake which takes them literally."""


@lru_cache(maxsize=4096)
def _warn(id: str, keyword: str) -> None:
    """Say once of a keyword that it is read otherwise than it looks."""
    if said := odd(keyword):
        log.warning("%s reads the keyword %s as a regular expression (%s); %s_fixed takes it literally",
                    id, shown(keyword), said, id)  # fmt: skip
