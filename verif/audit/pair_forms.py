"""The forms of preference pairs: verif's own, IFBench-RM, tulu-3 preferences, RewardBench and RewardBench 2."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from verif.core.forms.fields import Raw, Where, identifier
from verif.core.forms.parts import prompt
from verif.core.forms.talk import Asked, asked, is_messages, samples
from verif.core.forms.truths import lists
from verif.types import Instruction, Preference, Response


def pairs_of(raw: Any, where: Where) -> list[Preference]:
    """The pairs of a row: RewardBench 2 has one for each of its rejected responses."""
    if not isinstance(raw, dict):
        raise where.wanted("a JSON object", raw, "")
    if "text_chosen" in raw or "text_rejected" in raw:
        return _pairs(raw, where, ("text_chosen", "text_rejected"), str(raw.get("domain", "pair")))
    if isinstance(raw.get("instruction"), dict):
        try:
            return [Preference.model_validate(raw)]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise where.error(first["msg"], ".".join(map(str, first["loc"]))) from None
    if "chosen" in raw and "rejected" in raw:
        return _pairs(raw, where, ("chosen", "rejected"), str(raw.get("subset", "")))
    keys = ", ".join(list(map(str, raw))[:6]) or "none"
    raise where.error(
        "is no preference pair", hint=f"Its keys are: {keys}. A pair has `chosen` and `rejected`."
    )


def _pairs(raw: Raw, where: Where, names: tuple[str, str], group: str) -> list[Preference]:
    chosen, rejected = (_said(raw, where, name) for name in names)
    questions = {(talk.system, talk.history, talk.prompt) for talk, _ in (chosen, rejected)}
    if len(questions) > 1:
        raise where.error("the two responses answer different prompts")
    talk = chosen[0]
    if talk.history:
        raise where.error("has earlier turns, which no judge is shown", names[0])
    name = f"{group}-{identifier(raw, where)}" if group else identifier(raw, where)
    listed = lists(raw, where) if "kwargs" in raw or "functions" in raw else None
    instruction = Instruction(
        id=name, prompt=talk.prompt, system=talk.system, constraints=listed[0] if listed else ()
    )
    return [Preference(instruction=instruction, chosen=chosen[1][0], rejected=worse) for worse in rejected[1]]


def _said(raw: Raw, where: Where, name: str) -> tuple[Asked, list[Response]]:
    """The question and the responses of one side: a conversation of its own, or text beside the row's prompt."""
    if name not in raw:
        raise where.error("is missing", name)
    own = is_messages(raw[name]) and any(message.get("role") == "user" for message in raw[name])
    if own or name.startswith("text_"):
        talk = asked(raw[name], where, name)
        if talk.said is None:
            raise where.error("must end with the assistant's message", name)
        return Asked(talk.prompt, talk.system, talk.history), [Response(text=talk.said.text)]
    return prompt(raw, where), [Response(text=said.text) for said in samples(raw[name], where, name)]
