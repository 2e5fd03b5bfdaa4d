"""The process in which `verif conform` calls a function of the user's: JSON lines in, JSON lines out.

It is the user's own code and runs with the user's rights: no sandbox. What it prints itself reaches the asker as lines
that are no answers, and is counted. Run as `python -m verif.audit.conform.child MODULE:FUNCTION`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

MOST_TOLD = 300
"""Characters of an exception."""


def told(error: BaseException) -> str:
    """An exception in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:MOST_TOLD]


def followed(value: Any) -> bool | None:
    """What a checker said; `TypeError` for anything that is no yes, no or None."""
    value = getattr(value, "item", lambda: value)()  # a number of numpy's
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"the checker returned {type(value).__name__}, not True, False or None")


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(
        f"\n{json.dumps(message)}\n"
    )  # on a line of its own, whatever the checker printed before
    sys.stdout.flush()


def main() -> None:
    """Answer until standard input ends."""
    module, _, name = sys.argv[1].partition(":")
    try:
        checker: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        _say({"failed": told(error)})
        return
    _say({"ready": True})
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        number = asked.pop("id")
        try:
            answer: dict[str, Any] = {"followed": followed(checker(**asked))}
        except (Exception, SystemExit) as error:
            answer = {"error": told(error)}
        _say({"id": number, **answer})


if __name__ == "__main__":
    main()
