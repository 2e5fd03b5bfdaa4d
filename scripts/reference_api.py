"""The page of the Python library for docs/reference/: every public name with its signature, docstring and fields."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import verif

GROUPS: dict[str, tuple[str, ...]] = {
    "Verify": ("verify", "averify", "verify_many", "Verifier", "build", "load_recipe"),
    "Files": ("read_rows", "score"),
    "What is asked": (
        "Instruction", "Constraint", "RuleConstraint", "CheckerConstraint", "ReferenceConstraint", "SoftConstraint",
        "Response", "Item", "Preference",
    ),
    "What is answered": ("Verification", "Verdict", "Status", "Reward"),
    "Rules, formulas and prompts of your own": (
        "rule", "Params", "NoParams", "Outcome", "Doc", "Edits", "formula", "add_prompts",
    ),
    "Benchmarks of your own": ("Benchmark", "Case", "add_benchmark"),
}  # fmt: skip
_DOCTEST = re.compile(r"^>>> .*?(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


def _documented(thing: Any) -> str:
    """A docstring as Markdown; its examples, which a test executes, are blocks of code."""
    text = inspect.getdoc(thing) or ""
    return _DOCTEST.sub(lambda example: f"```python\n{example.group().rstrip()}\n```\n\n", text).strip()


def _named(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _parameter(parameter: inspect.Parameter) -> str:
    """As it is written; a default that is a function by its name."""
    shown = parameter.name
    if parameter.annotation is not parameter.empty:
        shown += f": {_named(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return shown
    value = parameter.default
    if inspect.isfunction(value) or isinstance(value, type):
        return f"{shown} = {value.__name__}"
    return f"{shown} = {json.dumps(str(value)) if isinstance(value, str | Path) else value}"


def _signature(name: str, thing: Any, width: int = 100) -> str:
    """With one parameter a line where it is long."""
    signature = inspect.signature(thing)
    shown: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        if parameter.name != "self":
            shown.append(_parameter(parameter))
    returned = signature.return_annotation
    ending = "" if returned in (None, "None", inspect.Signature.empty) else f" -> {_named(returned)}"
    line = f"{name}({', '.join(shown)}){ending}"
    return (
        line
        if len(line) <= width
        else f"{name}(\n" + "".join(f"    {part},\n" for part in shown) + f"){ending}"
    )


def _fields(thing: type) -> list[str]:
    """Fields of a data class as `name: type = default`."""
    if issubclass(thing, BaseModel):
        return [
            f"`{name}`: {thing.__annotations__[name]}" + ("" if field.is_required() else " (may be left out)")
            for name, field in thing.model_fields.items()
            if name != "kind"
        ]
    if not dataclasses.is_dataclass(thing):
        return []
    empty = dataclasses.MISSING
    return [
        f"`{field.name}`: {field.type}"
        + ("" if field.default is empty and field.default_factory is empty else " (may be left out)")
        for field in dataclasses.fields(thing)
    ]


def _methods(thing: type) -> list[str]:
    """Public methods and properties with the first paragraph of their docstrings."""
    told = []
    for name, value in vars(thing).items():
        plain = getattr(value, "func", getattr(value, "fget", value))  # of a property
        if name.startswith("_") or not inspect.isfunction(plain) or not plain.__doc__:
            continue
        first = " ".join((inspect.getdoc(plain) or "").split("\n\n")[0].split())
        shown = name if plain is not value else _signature(name, plain, width=400)
        told.append(f"`{shown}`: {first}")
    return told


def _entry(name: str) -> str:
    thing = getattr(verif, name)
    parts = [f"### `{name}`"]
    if not isinstance(thing, type) and not inspect.isfunction(thing):
        members = "`, `".join(inner.__name__ for inner in thing.__origin__.__args__)
        return f"{parts[0]}\n\nA type: `{members}`."
    is_data = isinstance(thing, type) and (issubclass(thing, BaseModel) or dataclasses.is_dataclass(thing))
    if not is_data and name != "Status":
        parts.append(f"```python\n{_signature(name, thing)}\n```")
    parts.append(_documented(thing))
    if isinstance(thing, type) and name not in ("Params", "NoParams", "Status"):
        lines = [textwrap.shorten(line, 400) for line in (*_fields(thing), *_methods(thing))]
        parts.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(part for part in parts if part).replace("typing.", "").replace("verif.types.", "")


def api_page(note: str) -> str:
    """Every name of `verif.__all__`; one that stands in no group is an error."""
    grouped = [name for names in GROUPS.values() for name in names]
    if missing := set(verif.__all__) ^ set(grouped):
        raise SystemExit(f"scripts/reference_api.py: GROUPS and verif.__all__ differ in {sorted(missing)}.")
    parts = [
        "# The Python library",
        note,
        "What `import verif` offers; a name is imported when it is first used. Examples are executed by a test.",
    ]
    for title, names in GROUPS.items():
        parts.append(f"## {title}")
        parts += map(_entry, names)
    return "\n\n".join(parts) + "\n"
