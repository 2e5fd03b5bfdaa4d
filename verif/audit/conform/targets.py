"""What `verif conform` asks: a function, a command or a URL, behind one method.

A target never decides by failing: what raised, hung, ended or said nothing usable is its own kind of answer.
"""

from __future__ import annotations

import shlex
import sys
from typing import Any, Literal, NamedTuple, Protocol

from verif.audit.conform.pipe import Pipe
from verif.audit.conform.url import Url
from verif.errors import InputError

Kind = Literal["followed", "not followed", "unknown", "raised", "hung", "ended", "not asked"]
"""`unknown`: the target does not know the rule; `ended`: its process or connection is gone."""


class CheckerAnswer(NamedTuple):
    """What a target made of a question; `detail` is its exception, or the end of what it wrote on standard error."""

    kind: Kind
    detail: str = ""

    @property
    def decided(self) -> bool:
        """Whether this is a verdict."""
        return self.kind in ("followed", "not followed")


class AskedTarget(Protocol):
    """Something that can be asked."""

    printed: int

    def ask(self, question: dict[str, Any]) -> tuple[str, Any]:
        """One question: `("answer", object)`, or `("hung" | "ended" | "raised", detail)`."""
        ...

    def close(self) -> None:
        """End it."""
        ...


def opened(target: str, timeout_s: float) -> AskedTarget:
    """The target behind a name: `http://...`, `module:function`, or a command line."""
    if target.startswith(("http://", "https://")):
        return Url(target, timeout_s)
    module, colon, function = target.partition(":")
    if colon and function.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return Pipe(
            [sys.executable, "-m", "verif.audit.conform.child", target], target, timeout_s, greets=True
        )
    try:
        command = shlex.split(target)
    except ValueError as error:
        raise InputError(f"{target!r} is no command line: {error}") from None
    if not command:
        raise InputError("no target was named", hint="Name MODULE:FUNCTION, a command, or a URL.")
    return Pipe(command, target, timeout_s)


def said(answered: tuple[str, Any]) -> CheckerAnswer:
    """The answer of a target, read strictly: only `true`, `false` and `null` are verdicts."""
    how, what = answered
    if how == "hung":
        return CheckerAnswer("hung", str(what))
    if how == "ended":
        return CheckerAnswer("ended", str(what))
    if how == "raised":
        return CheckerAnswer("raised", str(what))
    if isinstance(what, dict) and "error" in what:
        return CheckerAnswer("raised", str(what["error"])[:300])
    followed = what.get("followed", what) if isinstance(what, dict) else what
    if followed is None:
        return CheckerAnswer("unknown")
    if isinstance(followed, bool):
        return CheckerAnswer("followed" if followed else "not followed")
    return CheckerAnswer("raised", f"the answer is no true, false or null: {str(what)[:200]!r}")
