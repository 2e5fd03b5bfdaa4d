"""Ground truths: what trainers carry beside a prompt, as an object, as JSON, or as a Python literal.

- RLVR-IFeval: `{"func_name": "validate_no_commas", "N": null, ...}`; a rule of open-instruct's (`open-instruct:*`)
- IF-RLVR: `[{"instruction_id": [...], "kwargs": [...]}]`
- verif's own `Instruction`, IFEval's lists, VerInstruct's
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from verif.core.forms import checkers, ids
from verif.core.forms.fields import Raw, Where, parse, shown, written
from verif.types import Constraint, Instruction, RuleConstraint

OPEN_INSTRUCT = "open-instruct:"
"""Before a function's name it is the name of its rule."""
_ANSWER = "A ground truth that is only an answer needs a `data_source` that verif knows (docs/answers.md)."


def truth(value: Any, where: Where, field: str, text: str = "") -> Raw | Instruction | tuple[Constraint, ...]:
    """The constraints of a ground truth, verif's own instruction, or an object of another form. `text`: in words."""
    if isinstance(value, bytes):
        value = parse(value, where)
    value = written(value, field, where)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return tuple(c for n, item in enumerate(value) for c in _multi(item, where, f"{field}.{n}."))
    if not isinstance(value, dict):
        raise where.wanted("an object with the row's constraints", value, field, _ANSWER)
    if "func_name" in value:
        return (_function(value, where, field, text),)
    if "instruction_id" in value:
        return _multi(value, where, f"{field}.")
    return value


def _multi(value: Raw, where: Where, before: str) -> tuple[Constraint, ...]:
    """One entry of IF-RLVR's list; `kwargs` may be null for "none at all"."""
    names = ("instruction_id", "kwargs")
    if "instruction_id" not in value:
        raise where.error("is missing", before + "instruction_id")
    listed = written(value["instruction_id"], before + "instruction_id", where)
    if not isinstance(listed, list):
        raise where.wanted("a list", listed, before + "instruction_id")
    given = {"instruction_id": listed, "kwargs": value.get("kwargs") or [None] * len(listed)}
    return ids.constraints(given, where, names, before)


def _function(value: Raw, where: Where, field: str, text: str) -> RuleConstraint:
    name = value["func_name"]
    if not isinstance(name, str):
        raise where.wanted("text", name, f"{field}.func_name")
    given = {key: item for key, item in value.items() if key != "func_name"}
    return RuleConstraint(
        text=text or name, rule=OPEN_INSTRUCT + name, params=ids.params(given, where, field)
    )


def own(raw: Any, where: Where) -> Instruction:
    """verif's own `Instruction`. A field of a constraint that is null is none: a table gives each row the fields of all."""
    if isinstance(raw, dict) and isinstance(raw.get("constraints"), list):
        raw = {**raw, "constraints": [_filled(item) for item in raw["constraints"]]}
    try:
        return Instruction.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        seen = "" if first["type"] == "missing" else f", is {shown(first['input'])}"
        raise where.error(f"{first['msg']}{seen}", ".".join(map(str, first["loc"]))) from None


def _filled(constraint: Any) -> Any:
    """A constraint, and its parameters, without what is null."""
    if not isinstance(constraint, dict):
        return constraint
    kept = {name: value for name, value in constraint.items() if value is not None}
    if isinstance(params := kept.pop("params", None), dict) and params:
        params = {name: value for name, value in params.items() if value is not None} or None
    return kept if params is None else {**kept, "params": params}


def lists(raw: Raw, where: Where) -> tuple[tuple[Constraint, ...], list[str]] | None:
    """Constraints (and families) of IFEval's or VerInstruct's lists; None if the row has neither."""
    if "instruction_id_list" in raw:
        return ids.constraints(raw, where), []
    if "checkers" in raw or "functions" in raw:
        return checkers.constraints(raw, where)
    return None
