"""Chats as training examples: the prompt is every turn but the last, as the chat template writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verif.training.tiny import tokenizer as tok
from verif.training.tiny.batching import Example

Chat = list[dict[str, str]]


def prompt_of(chat: Chat) -> str:
    """All turns but the last, as the chat template writes them, and the opening of the last."""
    turns = "".join(f"{tok.START}{turn['role']}\n{turn['content']}{tok.END}\n" for turn in chat[:-1])
    return f"{turns}{tok.START}assistant\n"


def encode_chats(tokenizer: Any, chats: Sequence[Chat], context: int) -> list[Example]:
    """Token ids and prompt length of each chat; a longer one than `context` is left out."""
    data: list[Example] = []
    for chat in chats:
        asked = tokenizer(prompt_of(chat), add_special_tokens=False).input_ids
        said = tokenizer(chat[-1]["content"] + tok.END, add_special_tokens=False).input_ids
        if len(asked) + len(said) <= context:
            data.append(Example(asked + said, len(asked)))
    return data
