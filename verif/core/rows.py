"""One row of any supported form in, its `Row`s out (one per response); errors name file, row and field.

The forms are told apart by their keys, each in a file of `verif.core.forms`; docs/verification.md lists them. A row that
has the keys of two forms is refused, since nobody can say which of them is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verif.core import rules
from verif.core.answers.check import check_reference
from verif.core.forms import harnesses, multi_if, questions, trainers, turns
from verif.core.forms.fields import Raw, Where, parse, text_field, written
from verif.core.forms.parts import Parts, of_instruction, plain
from verif.core.forms.talk import responses
from verif.core.forms.truths import own
from verif.core.instruction_files import LAST_TURN, as_conversation
from verif.errors import InputError
from verif.types import Instruction, ReferenceConstraint, RuleConstraint

__all__ = ["LISTS", "Row", "Where", "instruction", "parse", "row", "rows", "text_field", "validated"]

MOST_CONSTRAINTS = 1_000
"""Of one row: constraints are compared with each other, and a row of a million of them is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """An instruction with the validated parameters of its rules, and a response if the row has one.

    `params[i]` belongs to constraint i and is None unless that is a rule that verif knows. `prompt` is what responses
    are joined by. `instruction` is None for a response alone. `sample` counts the responses of one row, of `samples`.
    """

    where: Where
    id: str
    prompt: str
    instruction: Instruction | None
    params: tuple[rules.Params | None, ...] = ()
    response: str | None = None
    finished: bool = True
    sample: int = 0
    samples: int = 1


def validated(
    instruction: Instruction, where: Where, *, strict_types: bool = True
) -> tuple[rules.Params | None, ...]:
    """The typed parameters of every rule. An unknown type is an error, or None where `strict_types` is false."""
    if len(instruction.constraints) > MOST_CONSTRAINTS:
        raise where.error(
            f"has {len(instruction.constraints):,} constraints; at most {MOST_CONSTRAINTS:,} are read"
        )
    for position, constraint in enumerate(instruction.constraints):
        if isinstance(constraint, ReferenceConstraint):
            at = f"constraints.{position}"
            check_reference(
                constraint, file=where.file, row=where.row, field=f"{at}.answer", more=f"{at}.alternatives"
            )
    return tuple(
        rules.validate(c.rule, c.params, file=where.file, row=where.row)
        if isinstance(c, RuleConstraint) and (strict_types or _known(c.rule))
        else None
        for c in instruction.constraints
    )


def _known(rule: str) -> bool:
    try:
        rules.get(rule)
    except InputError:
        return False
    return True


Form = Callable[[Raw, Where], Parts | list[Parts]]


def _wrapped(raw: Raw, where: Where) -> Parts:
    """`{"instruction": {...}}`, in tables as JSON."""
    return of_instruction(
        own(written(raw["instruction"], "instruction", where), where), responses(raw, where), where
    )


def _bare(raw: Raw, where: Where) -> Parts | list[Parts]:
    """verif's own instruction with a response beside its fields, or a conversation with constraints beside it."""
    if (name := turns.talk_field(raw, where)) is not None:
        return turns.conversation(raw, name, where)
    if turns.names_turns(raw, where):
        raise where.error("constraints name turns, and the prompt is no list of messages", "prompt")
    said = responses(raw, where)
    fields = {name: written(raw[name], name, where) for name in Instruction.model_fields if name in raw}
    rest = {name: value for name, value in raw.items() if name not in ("response", "finished")}
    return of_instruction(own({**rest, **fields}, where), said, where)


def _ground_truth(raw: Raw, where: Where) -> Parts:
    return trainers.grounded(raw, raw["ground_truth"], where, "ground_truth")


def _listed(raw: Raw, where: Where) -> Parts:
    """IFEval's or VerInstruct's lists beside a prompt; ids without kwargs belong to a published response."""
    if "instruction_id_list" in raw and "kwargs" not in raw and "checkers" not in raw:
        if responses(raw, where) is None:
            raise where.error("is missing", "kwargs")
        raw = {name: value for name, value in raw.items() if name != "instruction_id_list"}
    return plain(raw, where)


LISTS = {"instruction_id_list", "checkers", "functions"}
"""Fields of the forms that list constraints beside a prompt."""
FORMS: dict[str, tuple[Callable[[Raw], bool], Form]] = {
    "lm-eval samples": (
        lambda raw: "doc" in raw and ("resps" in raw or "filtered_resps" in raw),
        harnesses.sample,
    ),
    "NeMo Gym": (lambda raw: "responses_create_params" in raw, harnesses.gym),
    "Multi-IF": (lambda raw: "turn_1_prompt" in raw, multi_if.turns),
    "veRL": (lambda raw: "reward_model" in raw, trainers.verl),
    "veRL rollouts": (lambda raw: "gts" in raw and "input" in raw, trainers.dump),
    "a ground truth": (lambda raw: raw.get("ground_truth") is not None, _ground_truth),
    "an instruction": (lambda raw: _holds_object(raw.get("instruction")), _wrapped),
    "constraints": (lambda raw: raw.get("constraints") is not None, _bare),
    "verifiers": (lambda raw: _holds_object(raw.get("info")) and not LISTS & raw.keys(), trainers.informed),
    "lists": (lambda raw: bool(LISTS & raw.keys()), _listed),
    "questions": (questions.known, questions.read),
}
"""Form by name: how it is known, and what reads it."""
_INSIDE = {
    "NeMo Gym": {"lists", "verifiers"},
    "lm-eval samples": {"verifiers"},
    "veRL": {"verifiers"},
}
"""What a form has of its own that looks like another."""


def _holds_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip()[:1] == "{")


def parts(raw: Raw, where: Where) -> list[Parts]:
    """What a row of any form holds; a response alone has no constraints."""
    names = [name for name, (known, _) in FORMS.items() if known(raw)]
    if not names:
        return [_alone(raw, where)]
    others = [name for name in names[1:] if name not in _INSIDE.get(names[0], ())]
    if others:
        raise where.error(
            f"has the keys of two forms, {names[0]} and {others[0]}", hint="Keep those of one of them."
        )
    made = FORMS[names[0]][1](raw, where)
    return made if isinstance(made, list) else [made]


def instruction(raw: Raw, where: Where) -> Instruction | None:
    """The instruction of a row that need not have a response; None if it holds no constraints."""
    if not any(known(raw) for known, _ in FORMS.values()):
        return None
    parsed = parts(raw, where)[0]
    return None if parsed.constraints is None else _instruction(parsed, where)


def _alone(raw: Raw, where: Where) -> Parts:
    try:
        parsed = plain(raw, where)
    except InputError:
        if responses(raw, where) is not None:
            raise
        parsed = None
    if parsed is None or parsed.responses is None:
        keys = ", ".join(list(map(str, raw))[:6]) or "none"
        hint = f"Its keys are: {keys}. docs/verification.md lists the forms that can be read."
        raise where.error("has no constraints and no response", "response" if "prompt" in raw else "", hint)
    return parsed


def rows(raw: Any, where: Where, *, strict_types: bool = True) -> list[Row]:
    """The rows of one value of a file: one for each response, or one without any."""
    if not isinstance(raw, dict):
        raise where.wanted("a JSON object", raw, "")
    try:
        return [row for parsed in parts(raw, where) for row in _rows(parsed, raw, where, strict_types)]
    except RecursionError:
        raise where.error("is nested too deeply") from None


def _rows(parsed: Parts, raw: Raw, where: Where, strict_types: bool) -> list[Row]:
    made: Instruction | None = None
    checked: tuple[rules.Params | None, ...] = ()
    if parsed.constraints is not None:
        made = _instruction(parsed, where)
        checked = validated(made, where, strict_types=strict_types)
    cut_off = raw.get("finished") is False and not parsed.earlier
    common = (where, parsed.id, parsed.asked.prompt, made, checked)
    if parsed.responses is None:
        return [Row(*common)]
    count = len(parsed.responses)
    return [
        Row(*common, said.text, said.finished and not cut_off, n, count)
        for n, said in enumerate(parsed.responses)
    ]


def _instruction(parsed: Parts, where: Where) -> Instruction:
    """Earlier turns are kept in `meta`, which rules do not need. For a judge the prompt is the whole conversation."""
    talk, constraints = parsed.asked, parsed.constraints or ()
    meta = {**parsed.meta, **({"families": parsed.families} if parsed.families else {})}
    if talk.history:
        meta["history"] = list(talk.history)
    made = Instruction(
        id=parsed.id, prompt=talk.prompt, constraints=constraints, system=talk.system, meta=meta
    )
    if not talk.history or not any(constraint.kind == "soft" for constraint in constraints):
        return made
    if LAST_TURN not in meta:
        return as_conversation(made)
    if made != as_conversation(made.model_copy(update={"prompt": meta[LAST_TURN]})):
        raise where.error("is not the conversation of meta.history and meta.last_turn", "prompt")
    return made


def row(raw: Any, where: Where, *, strict_types: bool = True) -> Row:
    """The one row of a value; several responses or turns are an `InputError`."""
    made = rows(raw, where, strict_types=strict_types)
    if len(made) > 1:
        raise where.error(f"has {len(made)} responses where one is read", "response")
    return made[0]
