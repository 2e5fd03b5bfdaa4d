"""Conversations whose constraints say which turn they bind: one row for each turn that is bound.

`turn` of a constraint counts the user's turns from 1; it may be a list of them, or "all", as for what a system message
asks throughout. Without it, or where it is null, the last turn is meant. The row of a turn has the messages before it as its
history, and the assistant's message after it, if there is one, as its response. An instruction itself knows no turns: it
holds what binds the response to its last message.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from verif.core.forms.fields import Raw, Where, identifier, written
from verif.core.forms.parts import PROMPTS, Parts, of_instruction
from verif.core.forms.talk import RESPONSES, Asked, Said, asked, content, is_messages, responses
from verif.core.forms.truths import own
from verif.types import Instruction

ALL = "all"
MOST_TURNS = 100
"""Rows of one conversation: each holds all messages before it."""
MOST_CHARACTERS = 100_000_000
"""Of a conversation, times its rows: what a file of one line may take of the memory."""


def talk_field(raw: Raw, where: Where) -> str | None:
    """The field that holds a conversation's messages; None for a row whose prompt is a text."""
    name = next((name for name in PROMPTS if raw.get(name) is not None), "prompt")
    return name if is_messages(written(raw.get(name), name, where)) else None


def names_turns(raw: Raw, where: Where) -> bool:
    """Whether a constraint of the row says which turn it binds."""
    listed = written(raw.get("constraints"), "constraints", where)
    return isinstance(listed, list) and any(
        isinstance(item, dict) and item.get("turn") is not None for item in listed
    )


def conversation(raw: Raw, name: str, where: Where) -> list[Parts]:
    """The rows of a conversation in field `name`, constraints beside it; one row if no constraint names a turn."""
    messages = written(raw[name], name, where)
    whole = asked(
        messages, where, name
    )  # what no conversation may hold is refused before it is cut into turns
    if names_turns(raw, where):
        return _by_turn(raw, messages, name, where)
    said = responses(raw, where) or ((whole.said,) if whole.said else None)
    made = _instruction(raw, whole, raw["constraints"], where)
    return [of_instruction(made, said, where, whole)]


def _by_turn(raw: Raw, messages: list[Raw], name: str, where: Where) -> list[Parts]:
    ends = _user_turns(messages)
    bound = _bound(written(raw["constraints"], "constraints", where), len(ends), where)
    if len(bound) > MOST_TURNS:
        raise where.error(
            f"constraints bind {len(bound):,} turns; at most {MOST_TURNS} are read", "constraints"
        )
    field = next((field for field in RESPONSES if raw.get(field) is not None), "")
    if field and len(ends) not in bound:
        problem = f"answers turn {len(ends)}, which no constraint binds: it would be read by nobody"
        raise where.error(problem, field, "Bind a constraint to that turn, or leave the response out.")
    whole = sum(len(content(message, where, name)) for message in messages)
    if whole * len(bound) > MOST_CHARACTERS:
        problem = f"has {whole:,} characters, of which constraints bind {len(bound)} turns: too much to be read in turns"
        raise where.error(problem, name, "Bind fewer turns, or shorten the conversation.")
    rows = []
    for turn, constraints in sorted(bound.items()):
        following = ends[turn] if turn < len(ends) else len(messages)
        talk = asked(messages[:following], where, name)  # which refuses what comes in two replies
        last = responses(raw, where) if turn == len(ends) else None
        said: tuple[Said, ...] | None = last or ((talk.said,) if talk.said else None)
        made = of_instruction(_instruction(raw, talk, constraints, where), said, where, talk)
        rows.append(replace(made, id=f"{made.id}/{turn}", earlier=turn < len(ends)))
    return rows


def _user_turns(messages: list[Raw]) -> list[int]:
    """Where the user's turns stand. Roles have been looked at by `asked`."""
    return [
        n
        for n, message in enumerate(messages)
        if message.get("role", message.get("from")) in ("user", "human")
    ]


def _bound(listed: list[Any], turns: int, where: Where) -> dict[int, list[Any]]:
    """The constraints of each turn that has any."""
    bound: dict[int, list[Any]] = {}
    for number, item in enumerate(listed):
        if not isinstance(item, dict):
            raise where.wanted("an object", item, f"constraints.{number}")
        constraint = {key: value for key, value in item.items() if key != "turn"}
        for turn in _turns(item.get("turn", turns), turns, where, f"constraints.{number}.turn"):
            bound.setdefault(turn, []).append(constraint)
    return bound


def _turns(value: Any, turns: int, where: Where, field: str) -> list[int]:
    if value is None:
        return [turns]
    if value == ALL:
        return list(range(1, turns + 1))
    named = value if isinstance(value, list) else [value]
    if not named or not all(
        isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= turns for n in named
    ):
        shown = ", ".join(str(n)[:20] for n in named[:5])
        raise where.error(
            f'must be turns of the user from 1 to {turns}, or "{ALL}", is {shown or "empty"}', field
        )
    return sorted(set(named))


def _instruction(raw: Raw, talk: Asked, constraints: Any, where: Where) -> Instruction:
    meta = written(raw.get("meta"), "meta", where) or {}
    if isinstance(meta, dict) and "history" in meta:
        raise where.error("has earlier turns beside a conversation that holds them", "meta.history")
    system = raw.get("system") or talk.system
    if talk.system and system != talk.system:
        raise where.error("is another one than the conversation's", "system")
    fields = {"id": identifier(raw, where), "prompt": talk.prompt, "system": system, "meta": meta}
    return own({**fields, "constraints": written(constraints, "constraints", where)}, where)
