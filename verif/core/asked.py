"""What another trainer hands over, as an item: a row of its data set, its prompt, and what the policy said.

The row may have any form of `verif.core.rows`, or carry one of them in a column `ground_truth`. Columns that say nothing
about constraints are left aside, and so are the nulls that Arrow puts where a row has no such field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verif.core.forms.fields import Where
from verif.core.forms.talk import RESPONSES, asked
from verif.core.rows import LISTS, instruction
from verif.types import Instruction, Item, Response

TRUTH = "ground_truth"


def item_of(
    row: Mapping[str, Any], said: Any, where: Where, *, prompt: Any = None, finished: bool = True
) -> Item:
    """One question to the verifier: does what the policy said follow the row's constraints?

    `said` and `prompt` are text or chat messages; without `prompt` it is the row's own. Raises `InputError` that names
    the row and its field.
    """
    try:
        raw = {str(name): _present(value) for name, value in row.items() if value is not None}
    except RecursionError:
        raise where.error("is nested too deeply") from None
    for name in RESPONSES:
        raw.pop(name, None)  # a reference answer, or a host's own object
    talk = prompt if prompt is not None else raw.get("prompt", raw.get("messages"))
    if talk is not None:
        raw["prompt"] = asked(talk, where).prompt
    question = _instruction(raw, where)
    if isinstance(talk, list) and not question.system:
        question = question.model_copy(update={"system": _system(talk)})
    soft = any(constraint.kind == "soft" for constraint in question.constraints)
    if soft and not question.prompt.strip():
        raise where.error("is empty, and a judge has to read it", "prompt")
    if soft and isinstance(talk, list) and sum(_role(turn) == "user" for turn in talk) > 1:
        raise where.error(
            "has earlier turns, which a judge would not see",
            "prompt",
            "Judge single turns, or put the conversation into one message.",
        )
    return Item(
        id=str(where.row),
        instruction=question,
        response=Response(text=text_of(said, where), finished=finished),
    )


def items_of(
    columns: Mapping[str, Any],
    said: Sequence[Any],
    prompts: Sequence[Any] = (),
    finished: Sequence[bool] = (),
) -> list[Item]:
    """Items of a batch whose columns are lists of one value per completion; what is no such column is left aside."""
    lists = {
        name: column
        for name, column in columns.items()
        if isinstance(column, list) and len(column) == len(said)
    }
    return [
        item_of(
            {name: column[n] for name, column in lists.items()}, text, Where("the batch", n + 1),
            prompt=prompts[n] if prompts else None, finished=finished[n] if finished else True,
        )
        for n, text in enumerate(said)
    ]  # fmt: skip


def text_of(said: Any, where: Where) -> str:
    """The text of a completion: itself, or that of the last message that is not the user's. A null one is empty."""
    if isinstance(said, list):
        turns = [turn for turn in said if _role(turn) not in ("user", "system", "tool", "")]
        if not turns:
            raise where.error("holds no message of an assistant", "completion")
        said = turns[-1].get("content")
    if isinstance(said, list):
        said = "".join(part["text"] for part in said if _is_text(part))
    if said is not None and not isinstance(said, str):
        raise where.error(f"must be text or chat messages, not {type(said).__name__}", "completion")
    return said or ""


def _instruction(raw: dict[str, Any], where: Where) -> Instruction:
    if not isinstance(raw.get("instruction"), dict):
        raw.pop("instruction", None)  # many data sets have a text of that name
    if "constraints" in raw and "instruction_id_list" not in raw:
        raw = {name: raw[name] for name in (*Instruction.model_fields, "prompt") if name in raw}
        raw["id"] = str(raw.get("id", where.row))
    if LISTS & raw.keys():
        raw.pop(TRUTH, None)  # the row's own lists say what it is held to
    if raw.get(TRUTH) is not None:
        raw.setdefault("prompt", "")  # that of the truth wins, and rules need none
    question_of = instruction(raw, where)
    if question_of is None:
        names = ", ".join(list(map(str, raw))[:8]) or "none"
        raise where.error(
            "has no constraints",
            hint=f"Its columns are: {names}. docs/verification.md lists the forms that can be read.",
        )
    return question_of


def _present(value: Any) -> Any:
    """The value without null fields, which a table puts where a row has none."""
    if isinstance(value, Mapping):
        return {name: _present(inner) for name, inner in value.items() if inner is not None}
    return [_present(inner) for inner in value] if isinstance(value, list) else value


def _role(turn: Any) -> str:
    return str(turn.get("role", "")) if isinstance(turn, Mapping) else ""


def _system(talk: list[Any]) -> str:
    texts = [turn.get("content") for turn in talk if _role(turn) == "system"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)
