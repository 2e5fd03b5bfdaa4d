"""Conversations: chat messages as a prompt with its system message and earlier turns, or as a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verif.core.forms.fields import Raw, Where, is_nan, written

MOST_SAMPLES = 10_000
ROLES = {"developer": "system", "human": "user", "gpt": "assistant"}
"""Other names of the roles."""
RESPONSES = (
    "response", "completion", "output", "generated_text", "responses", "completions", "outputs", "samples",
)  # fmt: skip
"""Fields that hold what a model said."""
_MESSAGES = "text or a list of chat messages with a user's turn"


@dataclass(frozen=True, slots=True)
class Said:
    """One response of a row; `finished` is False where the row says that it was cut off."""

    text: str
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt: the user's last message, what the system said, and the turns before. `said`: a reply that follows."""

    prompt: str
    system: str = ""
    history: tuple[dict[str, str], ...] = ()
    said: Said | None = None


def is_messages(value: Any) -> bool:
    """Whether a value is a list of chat messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(m, dict) and ("role" in m or "from" in m) for m in value)
    )


def asked(value: Any, where: Where, field: str = "prompt") -> Asked:
    """A prompt given as text or as a conversation. What cannot be kept is refused by name."""
    if isinstance(value, str):
        talk = _written_talk(value, where, field)
        if talk is None:
            return Asked(value)
        value = talk
    if isinstance(value, dict) and "content" in value:
        value = [value]
    if not is_messages(value):
        raise where.wanted(_MESSAGES, value, field)
    turns = [
        (_role(m, where, f"{field}.{n}"), content(m, where, f"{field}.{n}.content"))
        for n, m in enumerate(value)
    ]
    last = max((n for n, (role, _) in enumerate(turns) if role == "user"), default=-1)
    if last < 0:
        raise where.error(f"must be {_MESSAGES}, has no user's turn", field)
    systems = [text for role, text in turns if role == "system"]
    if len(systems) > 1 or (systems and turns[0][0] != "system"):
        raise where.error("has a system message that is not its first message", field)
    if len(turns) - last > 2 or (len(turns) - last == 2 and turns[-1][0] != "assistant"):
        raise where.error("goes on with more than one reply after the user's last turn", field)
    history = tuple({"role": role, "content": text} for role, text in turns[len(systems) : last])
    reply = Said(turns[-1][1]) if len(turns) - last == 2 else None
    return Asked(turns[last][1], systems[0] if systems else "", history, reply)


def _written_talk(text: str, where: Where, field: str) -> Any:
    """The messages that a text is; None for any other, which may well begin with JSON to work on."""
    start = text[:30]
    names = {"[{": ("role", "from", "content"), '{"': ("role",), "{'": ("role",)}.get(start[:2], ())
    if not any(name in start for name in names):
        return None
    talk = written(text, field, where)
    return talk if is_messages(talk if isinstance(talk, list) else [talk]) else None


def _role(message: Raw, where: Where, field: str) -> str:
    role = message.get("role", message.get("from"))
    role = ROLES.get(role, role) if isinstance(role, str) else role
    if role not in ("system", "user", "assistant", "tool"):
        raise where.wanted("system, user, assistant or tool", role, f"{field}.role")
    return str(role)


def content(message: Raw, where: Where, field: str) -> str:
    """The text of a message: text, parts of text, or nothing; a picture or a tool's call cannot be judged."""
    value = message.get("content", message.get("value"))
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        for part in value:
            if not isinstance(part, dict) or not isinstance(part.get("text"), str):
                kind = part.get("type") if isinstance(part, dict) else part
                raise where.wanted("parts of text", kind, field)
        return "".join(part["text"] for part in value)
    raise where.wanted("text", value, field)


def responses(raw: Raw, where: Where) -> tuple[Said, ...] | None:
    """The responses of a row, null as an empty one; None if it has no field for any."""
    given = [name for name in RESPONSES if name in raw]
    filled = [name for name in given if raw[name] is not None]
    if not given:
        return None
    if len(filled) > 1 and any(raw[name] != raw[filled[0]] for name in filled):
        raise where.error(f"has several responses, in {' and '.join(filled)}", filled[1])
    name = (filled or given)[0]
    return samples(raw[name], where, name)


def samples(value: Any, where: Where, field: str) -> tuple[Said, ...]:
    """One response, or a list of them."""
    if not isinstance(value, list) or is_messages(value):
        return (said(value, where, field),)
    if not value or len(value) > MOST_SAMPLES:
        raise where.error(f"must be a response or a list of 1 to {MOST_SAMPLES:,}, has {len(value):,}", field)
    return tuple(said(item, where, f"{field}.{n}") for n, item in enumerate(value))


def said(value: Any, where: Where, field: str) -> Said:
    """One response: text, null, messages that end with the assistant's, or the object that a server sent."""
    if value is None:
        return Said("")
    if isinstance(value, str):
        return Said(value)
    if is_messages(value):
        if _role(value[-1], where, f"{field}.{len(value) - 1}") != "assistant":
            raise where.error("must end with the assistant's message", field)
        return Said(content(value[-1], where, f"{field}.{len(value) - 1}.content"))
    if isinstance(value, dict):
        return _served(value, where, field)
    hint = "Write null for a response that is missing: it counts as an empty one." if is_nan(value) else ""
    raise where.wanted("text", value, field, hint)


def _served(value: Raw, where: Where, field: str) -> Said:
    """A response object of OpenAI's Responses or Chat Completions, a message, or `{generated_text}`; reasoning items go."""
    if isinstance(value.get("output"), list):
        items = [
            item
            for item in value["output"]
            if isinstance(item, dict) and item.get("type", "message") == "message"
        ]
        text = (
            content(items[-1], where, f"{field}.output") if items else ""
        )  # what came before is no answer yet
        return Said(text, value.get("status") in ("completed", None))
    if (
        isinstance(value.get("choices"), list)
        and len(value["choices"]) == 1
        and isinstance(value["choices"][0], dict)
    ):
        choice = value["choices"][0]
        message = choice.get("message", {"content": choice.get("text")})
        text = content(
            message if isinstance(message, dict) else {"content": message}, where, f"{field}.choices.0"
        )
        return Said(text, choice.get("finish_reason") != "length")
    for name in ("content", "generated_text", "text"):
        if name in value:
            return Said(
                content({"content": value[name]}, where, f"{field}.{name}"),
                value.get("finish_reason") != "length",
            )
    raise where.wanted("text", value, field, f"Its keys are: {', '.join(list(map(str, value))[:6])}.")
