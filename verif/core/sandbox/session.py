"""One worker's session: a group's, which lives on from feed to feed, or that of a single check.

It feeds and reads answers; which checker may share a session, how long one lives and what follows a failure
is decided by `verif.core.sandbox.sandbox`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pydantic_monty as monty

from verif.core.sandbox.feed import ALONE, GROUP, HARNESS_CODE, WALL, group_inputs
from verif.core.sandbox.program import Program
from verif.errors import SandboxError

log = logging.getLogger("verif.service.build")
_OUTPUT_BYTES = 65_536
_PROGRAMS, _FEEDS = 400, 2_000


class AbortedError(Exception):
    """A feed ended at a limit or with its worker; the message says why."""


class SharedSession:
    """A session that harmless checkers share: the harness and each program are read by its worker once."""

    def __init__(self, session: monty.MontySession) -> None:
        self.session = session
        self.keys: dict[str, int] = {}
        self.feeds = 0

    @property
    def worn(self) -> bool:
        """True if it should give way to a fresh one, so that nothing grows without end."""
        return len(self.keys) > _PROGRAMS or self.feeds > _FEEDS

    def run(self, instruction: str, programs: Sequence[Program], texts: Sequence[str]) -> str:
        """One mark per (text, program), texts outermost."""
        if not self.feeds:
            self._begin()
        self.feeds += 1
        new = []
        for program in programs:
            if program.source not in self.keys:
                self.keys[program.source] = len(self.keys)
                new.append((self.keys[program.source], program))
        keys = [self.keys[program.source] for program in programs]
        marks = feed(self.session, GROUP, group_inputs(instruction, texts, keys, new))
        if marks == "touched":
            log.error("a checker reached what others rest on; its session is thrown away with its verdicts")
            raise AbortedError("the session was touched")
        return marks

    def _begin(self) -> None:
        """Feed the harness, and try the wall that keeps checkers apart."""
        try:
            feed(self.session, HARNESS_CODE, {})
            said = feed(self.session, WALL, {})
        except AbortedError as error:
            if str(error).startswith(("TimeoutError", "MemoryError")):
                raise
            said = str(error)
        if said != "stands":
            raise SandboxError(
                f"the sandbox's engine does not keep checkers apart ({said or 'no answer'})",
                "Was pydantic-monty upgraded? `make setup` brings back the version that was tested.",
            )

    def end(self) -> None:
        """Give the worker back; nothing of this session is left in it."""
        self.session.__exit__(None, None, None)


def run_alone(session: monty.MontySession, code: str, instruction: str, text: str) -> str:
    """The mark of one check by the code of one checker."""
    return feed(
        session, ALONE, {"_verif_text": code, "_verif_instruction": instruction, "_verif_response": text}
    )


def feed(session: monty.MontySession, code: str, inputs: dict[str, Any]) -> str:
    """The value of a feed as text; what it prints is dropped, and too much of it ends the feed."""
    try:
        value = session.feed_run(
            code, inputs=inputs, print_callback=monty.CollectString(max_bytes=_OUTPUT_BYTES)
        )
    except monty.MontyCrashedError:
        raise
    except monty.MontyError as error:
        raise AbortedError(short(error)) from None
    return value if isinstance(value, str) else ""


def short(error: BaseException) -> str:
    """The first line of an error's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
