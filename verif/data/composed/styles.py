"""How a task and its constraints become a prompt: in the order and the tone in which different people write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PLAIN = "{task} {sentences}"
TRAINED = (
    PLAIN,
    "{task}\n\n{lines}",
    "{sentences} {task}",
    "Hello! I need your help. {task} {sentences}",
    "{task}\nPlease keep to these rules:\n{lines}",
    "{task} And please note: {sentences} Thank you!",
)
HELD_OUT = (
    "Task: {task}\nRequirements:\n{numbered}",
    "Could you do something for me? {task} It is important to me that you do as follows. {sentences}",
    "{numbered}\n\nWith all of this in mind: {task}",
)


def prompt(style: str, task: str, said: Sequence[str]) -> str:
    """The task and what is asked of the answer, in one of the styles."""
    return style.format(
        task=task,
        sentences=" ".join(said),
        lines="\n".join(f"- {text}" for text in said),
        numbered="\n".join(f"{number}. {text}" for number, text in enumerate(said, 1)),
    )


def worded(wording: str, params: dict[str, Any]) -> str:
    """A wording with its parameters; lists as people write them."""
    return wording.format(**{name: shown(value) for name, value in params.items()})


def shown(value: Any) -> str:
    """`["a", "b", "c"]` as "a, b and c"."""
    if not isinstance(value, list | tuple):
        return str(value)
    *before, last = map(str, value)
    return f"{', '.join(before)} and {last}" if before else last
