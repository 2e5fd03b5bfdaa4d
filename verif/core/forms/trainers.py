"""Rows of trainers: veRL's data and rollout dumps, ground truths of open-instruct, TRL and `verifiers`."""

from __future__ import annotations

from verif.core.forms import questions
from verif.core.forms.fields import Raw, Where, identifier, written
from verif.core.forms.parts import Parts, of_instruction, plain, prompt
from verif.core.forms.talk import Asked, responses, said
from verif.core.forms.truths import truth
from verif.types import Instruction


def verl(raw: Raw, where: Where) -> Parts:
    """veRL's row: `prompt` (messages), `reward_model.ground_truth`, `extra_info.{id,index}`."""
    model = raw["reward_model"]
    value = model.get("ground_truth") if isinstance(model, dict) else None
    extra = raw.get("extra_info")
    name = extra.get("id", extra.get("index")) if isinstance(extra, dict) else None
    rest = {key: value_of for key, value_of in raw.items() if key != "reward_model"}
    return grounded(
        {**({} if name is None else {"id": name}), **rest}, value, where, "reward_model.ground_truth"
    )


def grounded(raw: Raw, value: object, where: Where, field: str) -> Parts:
    """A row whose constraints, or whose answer, stand in a ground truth; its words may stand in `constraint`."""
    asked = questions.grounded(raw, value, where, field)
    if asked is not None:
        return asked
    words = raw.get("constraint")
    content = truth(value, where, field, words if isinstance(words, str) else "")
    said_in_row = responses(raw, where)
    if isinstance(content, Instruction):
        return of_instruction(content, said_in_row, where, prompt(raw, where))
    if isinstance(content, tuple):
        return Parts(identifier(raw, where), prompt(raw, where), content, said_in_row).with_reply()
    parts = plain(raw, where, content)
    if parts.constraints is None:
        raise where.error("holds no constraints that verif knows", field)
    return parts


def dump(raw: Raw, where: Where) -> Parts:
    """A line of veRL's `rollout_data_dir`: `input` and `output` as text, `gts`, and what was scored."""
    text = raw["input"]
    if not isinstance(text, str):
        raise where.wanted("text", text, "input")
    content = truth(raw["gts"], where, "gts")
    reply = (said(raw.get("output"), where, "output"),)
    if isinstance(content, tuple):
        return Parts(identifier(raw, where), Asked(text), content, reply)
    inner = plain(
        {"prompt": text, "id": identifier(raw, where)}, where, content if isinstance(content, dict) else None
    )
    if inner.constraints is None:
        raise where.error("holds no constraints that verif knows", "gts")
    return Parts(inner.id, inner.asked, inner.constraints, reply, inner.families, inner.meta)


def informed(raw: Raw, where: Where) -> Parts:
    """A row of `verifiers`: `prompt` and `completion` as messages, constraints in `info`."""
    info = written(raw["info"], "info", where)
    if not isinstance(info, dict):
        raise where.wanted("an object", info, "info")
    return plain(
        raw, where, {key: value for key, value in info.items() if key not in ("prompt", "completion")}
    )
