"""Checkers that `verif conform` meets: right ones and such as raise, hang, print, end or return something else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def no_commas(rule: str, params: dict[str, Any], prompt: str, response: str) -> bool | None:
    return "," not in response if rule == "punctuation:no_comma" else None


def always(rule: str, params: dict[str, Any], prompt: str, response: str) -> bool:
    return True


def starts_another(rule: str, params: dict[str, Any], prompt: str, response: str) -> bool:
    """Leaves the number of a process in the file that the response names, and waits for it."""
    other = subprocess.Popen(["sleep", "60"])
    Path(response).write_text(str(other.pid))
    return other.wait() == 0


def faulty(rule: str, params: dict[str, Any], prompt: str, response: str) -> Any:
    """What a response names, and otherwise the right answer."""
    if "raise" in response:
        raise ValueError("no\nluck")
    if "exit" in response:
        sys.exit(3)
    if "die" in response:
        os._exit(7)
    if "hang" in response:
        time.sleep(60)
    if "print" in response:
        print("looking at", response, end="")
        print('{"id": 999, "followed": true}')
    if "text" in response:
        return "False"
    return "," not in response
