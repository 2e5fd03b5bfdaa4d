"""One row of any supported form in, one `Row` out; errors name file, row and field.

Forms (told apart by their keys):
- IFEval: `{key, prompt, instruction_id_list, kwargs}`, with or without `response`
- VerInstruct: `{id, prompt, checkers, functions}`, with or without `response`
- verif's own `Instruction` (`{id, prompt, constraints, ...}`), bare or as `{"instruction": {...}, "response": ...}`
- veRL: `{prompt: [messages], reward_model: {ground_truth: JSON}, extra_info}`; the JSON is any of the above
- a response alone: `{prompt, response}`
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from verif.core import rules
from verif.core.answers.check import check_reference
from verif.errors import InputError
from verif.types import (
    CheckerConstraint,
    Constraint,
    Instruction,
    ReferenceConstraint,
    RuleConstraint,
    SoftConstraint,
)

_TAG = re.compile(r"\s*\[(rule|llm)\]\s*", re.IGNORECASE)
MOST_CONSTRAINTS = 1_000
"""Of one row: constraints are compared with each other, and a row of a million of them is none."""
_FAMILY = re.compile(r"\s*([A-Za-z][A-Za-z_\-]{0,60})\s*:\s*")


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a row, for messages; `row` counts from 1."""

    file: str
    row: int

    def error(self, problem: str, field: str = "", hint: str = "") -> InputError:
        """An `InputError` at this place."""
        return InputError(problem, file=self.file, row=self.row, field=field, hint=hint)


@dataclass(frozen=True, slots=True)
class Row:
    """An instruction with the validated parameters of its rules, and a response if the row has one.

    `params[i]` belongs to constraint i and is None unless that is a rule. `prompt` is what responses are
    joined by. `instruction` is None for a response alone.
    """

    where: Where
    id: str
    prompt: str
    instruction: Instruction | None
    params: tuple[rules.Params | None, ...] = ()
    response: str | None = None


def text_field(raw: dict[str, Any], name: str, where: Where) -> str:
    """A required text."""
    value = raw.get(name)
    if not isinstance(value, str):
        raise where.error("must be text" if name in raw else "is missing", name)
    return value


def list_field(raw: dict[str, Any], name: str, where: Where) -> list[Any]:
    """A required list."""
    value = raw.get(name)
    if not isinstance(value, list):
        raise where.error("must be a list" if name in raw else "is missing", name)
    return value


def validated(instruction: Instruction, where: Where) -> tuple[rules.Params | None, ...]:
    """The typed parameters of every rule of an instruction."""
    if len(instruction.constraints) > MOST_CONSTRAINTS:
        raise where.error(
            f"has {len(instruction.constraints):,} constraints; at most {MOST_CONSTRAINTS:,} are read"
        )
    for position, constraint in enumerate(instruction.constraints):
        if isinstance(constraint, ReferenceConstraint):
            field = f"constraints.{position}.answer"
            check_reference(constraint, file=where.file, row=where.row, field=field)
    return tuple(
        rules.validate(c.rule, c.params, file=where.file, row=where.row)
        if isinstance(c, RuleConstraint)
        else None
        for c in instruction.constraints
    )


def ifeval(raw: dict[str, Any], where: Where) -> Instruction:
    """An IFEval row. Repeated ids are all kept; null parameters are absent ones."""
    ids, kwargs = list_field(raw, "instruction_id_list", where), list_field(raw, "kwargs", where)
    if len(ids) != len(kwargs):
        raise where.error(f"has {len(kwargs)} entries for {len(ids)} instruction ids", "kwargs")
    constraints = []
    for position, (name, given) in enumerate(zip(ids, kwargs, strict=True)):
        if not isinstance(name, str):
            raise where.error("must be text", f"instruction_id_list.{position}")
        if not isinstance(given, dict | None):
            raise where.error("must be an object", f"kwargs.{position}")
        params = {key: value for key, value in (given or {}).items() if value is not None}
        constraints.append(RuleConstraint(text=name, rule=name, params=params))
    return Instruction(
        id=_identifier(raw, where), prompt=text_field(raw, "prompt", where), constraints=tuple(constraints)
    )


def verinstruct(raw: dict[str, Any], where: Where) -> Instruction:
    """A VerInstruct row.

    `checkers[i]` is `[rule] Family: text` or `[llm] Family: text`. Without a tag, a function that calls
    `llm_score` is soft and any other is a checker: no constraint is dropped. `meta.families` keeps the
    family of each constraint. A function in a Markdown fence is read without it.
    """
    labels, functions = list_field(raw, "checkers", where), list_field(raw, "functions", where)
    if len(labels) != len(functions):
        raise where.error(f"has {len(functions)} entries for {len(labels)} checkers", "functions")
    constraints: list[Constraint] = []
    families: list[str] = []
    for position, (label, source) in enumerate(zip(labels, functions, strict=True)):
        if not isinstance(label, str):
            raise where.error("must be text", f"checkers.{position}")
        if not isinstance(source, str | None):
            raise where.error("must be text", f"functions.{position}")
        family, constraint = _verinstruct_constraint(label, unfenced(source or ""))
        if isinstance(constraint, CheckerConstraint) and not constraint.source.strip():
            raise where.error("a [rule] checker needs its function", f"functions.{position}")
        families.append(family)
        constraints.append(constraint)
    return Instruction(
        id=_identifier(raw, where),
        prompt=text_field(raw, "prompt", where),
        constraints=tuple(constraints),
        meta={"families": families},
    )


def unfenced(source: str) -> str:
    """A function without the Markdown fence around it; models write one, and no parser reads it."""
    lines = source.strip().split("\n")
    opening, language = lines[0][:3], lines[0][3:].strip().lower()
    fenced = opening in ("```", "~~~") and language in ("", "python", "python3", "py")
    inside = "\n".join(lines[1:-1])
    if not fenced or len(lines) < 3 or lines[-1].strip() != opening or opening in inside:
        return source
    return inside


def _verinstruct_constraint(label: str, source: str) -> tuple[str, Constraint]:
    tag = _TAG.match(label)
    rest = label[tag.end() :] if tag else label
    found = _FAMILY.match(rest)
    family, text = (found.group(1), rest[found.end() :]) if found else ("", rest)
    soft = tag.group(1).lower() == "llm" if tag else "llm_score" in source or not source.strip()
    text = text.strip()
    return family, SoftConstraint(text=text, dimension=family) if soft else CheckerConstraint(
        text=text, source=source
    )


def own(raw: Any, where: Where) -> Instruction:
    """verif's own `Instruction`."""
    try:
        return Instruction.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise where.error(first["msg"], ".".join(map(str, first["loc"]))) from None


def instruction(raw: dict[str, Any], where: Where) -> Instruction | None:
    """The instruction of a row in any form; None if the row holds a response alone."""
    if "instruction_id_list" in raw and "kwargs" in raw:
        return ifeval(raw, where)
    if "checkers" in raw or "functions" in raw:
        return verinstruct(raw, where)
    if "instruction" in raw:
        return own(raw["instruction"], where)
    if "constraints" in raw:
        return own({key: value for key, value in raw.items() if key != "response"}, where)
    if "reward_model" in raw:
        return _verl(raw, where)
    if "instruction_id_list" in raw and "response" not in raw:
        raise where.error("is missing", "kwargs")
    return None


def _verl(raw: dict[str, Any], where: Where) -> Instruction:
    """A veRL row; the ground truth is JSON of any other form, the prompt is that of its last user message."""
    model = raw["reward_model"]
    truth = model.get("ground_truth") if isinstance(model, dict) else None
    if isinstance(truth, str | bytes):
        truth = parse(truth.encode("utf-8", "surrogatepass") if isinstance(truth, str) else truth, where)
    if not isinstance(truth, dict):
        raise where.error("must be a JSON object with the row's constraints", "reward_model.ground_truth")
    extra = raw.get("extra_info")
    name = extra.get("id", extra.get("index")) if isinstance(extra, dict) else None
    filled = {
        **({} if name is None else {"id": str(name)}),
        "prompt": prompt_text(raw.get("prompt"), where),
        **truth,
    }
    inner = instruction(filled, where)
    if inner is None:
        raise where.error("holds no constraints that verif knows", "reward_model.ground_truth")
    return inner


def prompt_text(value: Any, where: Where) -> str:
    """A prompt given as text, or the last user message of a conversation."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        for message in reversed(value):
            if (
                isinstance(message, dict)
                and message.get("role") == "user"
                and isinstance(message.get("content"), str)
            ):
                return str(message["content"])
    raise where.error("must be text or a list of chat messages with a user's turn", "prompt")


def _identifier(raw: dict[str, Any], where: Where) -> str:
    """`id` or `key` as text; the row number when there is none."""
    value = next((raw[name] for name in ("id", "key") if raw.get(name) is not None), where.row)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise where.error("must be text or a whole number", "id")
    return str(value)


def row(raw: Any, where: Where) -> Row:
    """A row of any form, validated."""
    if not isinstance(raw, dict):
        raise where.error("must be a JSON object")
    inner = instruction(raw, where)
    response = raw.get("response")
    if response is not None and not isinstance(response, str):
        raise where.error("must be text", "response")
    if inner is None:
        if response is None:
            keys = ", ".join(list(map(str, raw))[:6]) or "none"
            hint = f"Its keys are: {keys}. docs/verification.md lists the forms that can be read."
            raise where.error(
                "has no constraints and no response", "response" if "prompt" in raw else "", hint
            )
        prompt = prompt_text(raw.get("prompt"), where)
        return Row(where, _identifier(raw, where), prompt, None, (), response)
    return Row(where, inner.id, inner.prompt, inner, validated(inner, where), response)


def parse(line: bytes, where: Where) -> Any:
    """One JSON value. Lone surrogates, which strict JSON refuses, are accepted: a model can write them."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        problem = str(error)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise where.error(
            f"is not UTF-8 (byte {error.start + 1} of the line)", hint="Convert the file to UTF-8."
        ) from None
    if "\\ud" in text or "\\uD" in text:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            problem = str(error)
    raise where.error(f"is not JSON: {problem}")
