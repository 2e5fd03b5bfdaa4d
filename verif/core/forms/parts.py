"""What a row of any form is read into, before it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verif.core.forms.fields import Raw, Where, identifier
from verif.core.forms.talk import Asked, Said, asked, is_messages, responses
from verif.core.forms.truths import lists, own
from verif.types import Constraint, Instruction

PROMPTS = ("prompt", "messages", "conversations", "question", "query")
"""Fields that hold what was asked."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A question with its constraints (None: the row has none) and its responses (None: it has no field for any).

    `earlier`: of a turn before the last one, whose reply is whole whatever the row's `finished` says of the last.
    """

    id: str
    asked: Asked
    constraints: tuple[Constraint, ...] | None
    responses: tuple[Said, ...] | None
    families: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    earlier: bool = False

    def with_reply(self) -> Parts:
        """A conversation's own last reply is the response where the row has no other."""
        if self.responses is not None or self.asked.said is None:
            return self
        return Parts(self.id, self.asked, self.constraints, (self.asked.said,), self.families, self.meta)


def prompt(raw: Raw, where: Where) -> Asked:
    """What was asked, in the first field that has it."""
    name = next((name for name in PROMPTS if raw.get(name) is not None), "prompt")
    if name not in raw:
        raise where.error("is missing", "prompt")
    return asked(raw[name], where, name)


def of_instruction(
    instruction: Instruction, said: tuple[Said, ...] | None, where: Where, talk: Asked | None = None
) -> Parts:
    """verif's own instruction; the conversation that a trainer's row holds beside it adds what it lacks."""
    turns = instruction.meta.get("history") or ()
    if turns and not is_messages(turns):
        raise where.wanted("a list of chat messages", turns, "meta.history")
    history = tuple(turns) or (talk.history if talk else ())
    system = instruction.system or (talk.system if talk else "")
    families = instruction.meta.get("families", [])
    return Parts(
        instruction.id, Asked(instruction.prompt, system, history), instruction.constraints, said,
        families if isinstance(families, list) else [], instruction.meta,
    )  # fmt: skip


def plain(raw: Raw, where: Where, truth: Raw | None = None) -> Parts:
    """A row whose constraints stand beside its prompt, or in `truth`, whose fields win."""
    said = responses(raw, where)
    whole = {**raw, **(truth or {})}
    if truth is not None and "constraints" in truth:
        talk = prompt(raw, where) if any(raw.get(name) is not None for name in PROMPTS) else None
        filled = {"id": identifier(raw, where), **({"prompt": talk.prompt} if talk else {}), **truth}
        return of_instruction(own(filled, where), said, where, talk)
    listed = lists(whole, where)
    constraints, families = listed if listed is not None else (None, [])
    return Parts(identifier(whole, where), prompt(whole, where), constraints, said, families).with_reply()
