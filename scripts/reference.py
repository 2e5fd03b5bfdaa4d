"""Makes docs/reference/ and recipes/defaults/ from the code: keys, commands, variables, errors, rules, API. `make reference`.

`--check` writes nothing and fails when a page is not what the code says.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from reference_api import api_page
from typer.main import get_command

from verif import errors
from verif.cli.app import COMMANDS, app
from verif.core import rules
from verif.core.describing import about
from verif.recipe import BuildRecipe, Recipe
from verif.system.variables import VARIABLES

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Made from the code by `make reference`; edit the code, not this page. -->"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------- recipe
def models_of(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a key may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_of(inner)]


def shown(annotation: Any) -> str:
    """A type as a reader of YAML thinks of it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shown(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(shown(part) for part in inner)
    if origin in (tuple, list):
        return f"list of {shown(inner[0])}"
    if origin is dict:
        return f"map of {shown(inner[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}
    return names.get(annotation) or ("section" if models_of(annotation) else str(annotation))


def span(field: FieldInfo) -> str:
    """The range of a number."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    allowed = [
        f"{sign} {getattr(mark, name)}"
        for mark in field.metadata
        for name, sign in signs.items()
        if getattr(mark, name, None) is not None
    ]
    return ", ".join(allowed)


def default(field: FieldInfo) -> str:
    """The default as YAML would hold it; a section's stand in its own table."""
    if field.default is PydanticUndefined:
        return "" if field.default_factory else "required"
    if isinstance(field.default, BaseModel):
        return ""
    if isinstance(field.default, tuple):
        return ", ".join(f"`{getattr(item, 'name', item)}`" for item in field.default) or "none"
    if field.default is None:
        return "none"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def sections(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section below a model, by its dotted path."""
    yield path, model
    for name, field in model.model_fields.items():
        key = f"{path}.{field.alias or name}" if path else field.alias or name
        for inner in models_of(field.annotation):
            yield from sections(inner, key)


def recipe_page() -> str:
    """Every key of a recipe."""
    parts = [
        "# Keys of a recipe",
        NOTE,
        "One file under `recipes/` is one complete experiment. An unknown key is an error.",
    ]
    shown_sections = [(path, model, "The recipe") for path, model in sections(Recipe, "")]
    built = "A build (`recipes/builds/`)"
    shown_sections += [(f"build: {path}" if path else "", m, built) for path, m in sections(BuildRecipe, "")]
    for path, model, whole in shown_sections:
        kind = model.model_fields.get("kind")
        title = f"`{path}`" if path else whole
        parts.append(f"## {title}" + (f" (`kind: {kind.default}`)" if kind else ""))
        parts.append(inspect.getdoc(model) or "")
        rows = [
            (
                f"`{field.alias or name}`",
                shown(field.annotation),
                default(field),
                span(field),
                field.description or "",
            )
            for name, field in model.model_fields.items()
        ]
        parts.append(table(("key", "type", "default", "range", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


# ----------------------------------------------------------------------------------------- commands
def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command, or the commands of a group. Typer brings a click of its own, so classes cannot be asked."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for key, member in inner.items():
        yield from leaves(f"{name} {key}", member)


def commands_page() -> str:
    """Every command and option."""
    parts = ["# Commands", NOTE]
    for name, (_, line) in COMMANDS.items():
        parts.append(f"## verif {name}\n\n{line.rstrip('.')}.")
        for full, command in leaves(f"verif {name}", get_command(app(name))):
            told = (command.help or "").strip().split("\n\n")[0].replace("\n", " ")
            parts.append(f"### `{full}`" if full != f"verif {name}" else "")
            if told and told.rstrip(".") != line.rstrip("."):
                parts.append(told)
            rows = []
            for parameter in command.params:
                if parameter.name in ("help", "install_completion", "show_completion"):
                    continue
                names = (
                    parameter.opts if parameter.param_type_name == "option" else [str(parameter.name).upper()]
                )
                preset = parameter.default
                text = "" if preset is None or callable(preset) or preset is False else f"`{preset}`"
                rows.append((", ".join(f"`{n}`" for n in names), text or ("required" if parameter.required else ""),
                             (getattr(parameter, "help", "") or "").replace("\n", " ")))  # fmt: skip
            if rows:
                parts.append(table(("argument or option", "default", "meaning"), rows))
    return "\n\n".join(part for part in parts if part) + "\n"


# ---------------------------------------------------------------------------------- variables, errors, rules
def variables_page() -> str:
    """Every environment variable."""
    parts = ["# Environment variables", NOTE]
    for by, title in (
        ("person", "You set"),
        ("verif", "verif sets for its own processes"),
        ("tests", "Tests read"),
    ):
        rows = [(f"`{v.name}`", v.meaning) for v in sorted(VARIABLES) if v.by == by]
        parts += [f"## {title}", table(("variable", "meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def errors_page() -> str:
    """Every expected error with its exit code."""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.VerifError)]
    rows = [
        (f"`{c.__name__}`", str(c.exit_code), (inspect.getdoc(c) or "").replace("\n", " ")) for c in classes
    ]
    return "\n\n".join([
        "# Errors", NOTE,
        "An expected error is one line on standard error: what happened, where, and what to do. Anything else is a bug"
        " and keeps its traceback. Ctrl-C ends a command with 130.",
        table(("error", "exit code", "meaning"), rows),
    ]) + "\n"  # fmt: skip


def code(text: str) -> str:
    """A text as code within a line; its line ends are shown as such."""
    shown = text if len(text) <= 160 else f"{text[:160]}…"
    return f"`` {shown.replace(chr(10), '⏎').replace(chr(9), '⇥')} ``"


def rules_page() -> str:
    """Every registered rule: parameters, what counts, edge cases, a text for prompts, an example of each verdict."""
    told = [about(spec) for _, spec in sorted(rules.rules().items())]
    parts = [
        "# Rules",
        NOTE,
        "Constraint types that code decides: `verif rules list`, `verif rules show ID`. Ids are those of the benchmark or data"
        " set that a rule is from; parameters are checked when a row is loaded. ⏎ is a line's end, ⇥ a tab.",
    ]
    for source in sorted({rule.source for rule in told}):
        parts.append(f"## {source}")
        for rule in (spec for spec in told if spec.source == source):
            parts.append(f"### `{rule.id}`\n\n{rule.counts}{f' {rule.edges}' if rule.edges else ''}")
            rows = [f"`{name}`: {kind}{f' ({span})' if span else ''}" for name, kind, span in rule.parameters]
            lines = [f"- Parameters: {'; '.join(rows) or 'none'}", f"- In a prompt: {code(rule.asks)}"]
            if rule.example:
                params = code(json.dumps(rule.example.params, ensure_ascii=False))
                given = f" (with {params})" if rule.example.params else ""
                lines.append(f"- Follows{given}: {code(rule.example.follows)}")
                lines.append(f"- Does not follow: {code(rule.example.fails)}")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


UNNAMED = (
    "sync_every",
    "overlap",
    "dpo",
    "adam_eps",
    "clip_grad",
    "judge_logprobs",
    "draw",
    "refill",
    "judged",
)
"""Keys that came later: naming their defaults would run the stages of every recipe again."""


def defaults_of(model: type[BaseModel]) -> dict[str, Any]:
    """What each key of a section is where a recipe leaves it out."""
    defaults: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in UNNAMED:
            continue
        kinds = models_of(field.annotation)
        if kinds and not isinstance(field.default, tuple):
            inner = {
                str(k.model_fields["kind"].default) if "kind" in k.model_fields else "": defaults_of(k)
                for k in kinds
            }
            defaults[field.alias or name] = inner.get("", inner)
        elif not field.is_required():
            defaults[field.alias or name] = field.get_default(call_default_factory=True)
    return defaults


def defaults_page() -> str:
    """The defaults as data: `dvc.yaml` makes stages depend on those of their sections."""
    plain = TypeAdapter(dict[str, Any]).dump_python(defaults_of(Recipe), mode="json")
    return "# Made from verif/recipe/ by `make reference`; dvc.yaml tracks it.\n" + yaml.safe_dump(plain)


PAGES = {"recipe": recipe_page, "commands": commands_page, "variables": variables_page, "errors": errors_page,
         "rules": rules_page, "api": lambda: api_page(NOTE)}  # fmt: skip
FILES = {FOLDER / f"{name}.md": page for name, page in PAGES.items()} | {
    FOLDER.parents[1] / "recipes" / "defaults" / "sections.yaml": defaults_page
}


def main() -> int:
    """Write the pages, or with `--check` say which are out of date."""
    old = [p.name for p, page in FILES.items() if not p.is_file() or p.read_text("utf-8") != page()]
    if "--check" in sys.argv:
        print(
            f"what is made from the code is out of date: {', '.join(old)}; run `make reference`."
            if old
            else "up to date"
        )
        return bool(old)
    for path, page in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
