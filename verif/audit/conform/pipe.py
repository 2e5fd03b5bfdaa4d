"""A checker in a process of its own, asked over its standard streams, with limits: time, memory, what it may print.

It is the user's own code: the limits are against accidents. A question is a line of JSON with an `id`; its answer is the
line that has the same `id`. Every other line is something that the checker printed, and is counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import time
from typing import Any

from verif.errors import InputError

START_S = 120.0
"""For the first answer: a checker may load a model."""
MEMORY = 16 << 30
"""Bytes of address space, where the machine can limit it."""
MOST_PRINTED = 16 << 20
"""Bytes between a question and its answer."""
TAIL = 2_000
"""Bytes of standard error that are kept for a message."""


class Pipe:
    """A process that answers; one that hung or ended is started again with the next question."""

    def __init__(self, command: list[str], name: str, timeout_s: float, *, greets: bool = False) -> None:
        self.command, self.name, self.timeout_s, self.greets = command, name, timeout_s, greets
        self.printed = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._number, self._answered = 0, False
        self._rest = self._errors = b""

    def ask(self, question: dict[str, Any]) -> tuple[str, Any]:
        """See `verif.audit.conform.targets.AskedTarget`."""
        fresh = self._process is None
        if fresh:
            self._start()
        self._number += 1
        line = json.dumps({"id": self._number, **question}).encode() + b"\n"
        first = fresh and not self.greets  # one that greets has loaded what it needs
        how, what = self._answer(line, self._number, START_S if first else self.timeout_s)
        if how == "answer":
            self._answered = True
        else:
            self.close()
            if how == "ended" and not self._answered:
                raise InputError(f"{self.name}: it ended before its first answer: {what or 'without a word'}")
        return how, what

    def close(self) -> None:
        """End the process and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()
        process.wait()

    def _start(self) -> None:
        try:
            process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, bufsize=0,
            )  # fmt: skip
        except OSError as error:
            raise InputError(f"{self.name}: cannot be started: {error.strerror}") from None
        if hasattr(resource, "prlimit"):
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
        self._process, self._rest, self._errors = process, b"", b""
        if self.greets:
            how, greeting = self._answer(b"", None, START_S)
            if how != "answer" or "failed" in greeting:
                self.close()
                why = greeting.get("failed") if isinstance(greeting, dict) else greeting
                raise InputError(f"{self.name}: cannot be imported: {why or how}")

    def _answer(self, line: bytes, number: int | None, patience: float) -> tuple[str, Any]:
        """Write a question and read up to its answer, both at once, so that neither side waits for the other."""
        assert self._process is not None
        end, read, todo = time.monotonic() + patience, 0, line
        with selectors.DefaultSelector() as streams:
            streams.register(self._process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            streams.register(self._process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
            if todo:
                streams.register(self._process.stdin, selectors.EVENT_WRITE)  # type: ignore[arg-type]
            while True:
                for key, _ in streams.select(max(end - time.monotonic(), 0)):
                    if key.fileobj is self._process.stdin:
                        todo = self._write(todo)
                        if not todo:
                            streams.unregister(key.fileobj)
                        continue
                    chunk = os.read(key.fd, 65_536)
                    if key.fileobj is self._process.stderr:
                        self._errors = (self._errors + chunk)[-TAIL:]
                        if not chunk:
                            streams.unregister(key.fileobj)
                        continue
                    if not chunk:
                        return "ended", self._last_words()
                    read += len(chunk)
                    answer = self._heard(chunk, number)
                    if answer is not None:
                        return "answer", answer
                if read > MOST_PRINTED:
                    return "hung", f"it printed more than {MOST_PRINTED >> 20} MB and no answer"
                if time.monotonic() >= end:
                    return "hung", f"no answer within {patience:g} s"

    def _write(self, todo: bytes) -> bytes:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            return todo[os.write(self._process.stdin.fileno(), todo) :]
        except BlockingIOError:
            return todo
        except BrokenPipeError:
            return b""  # its end is read from the other stream

    def _heard(self, chunk: bytes, number: int | None) -> dict[str, Any] | None:
        """The answer, if it is among the lines that are complete now; the others are counted."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        answer = None
        for line in filter(bytes.strip, lines):
            message = _message(line)
            if message is not None and (message.get("id") == number if number else "id" not in message):
                answer = message
            else:
                self.printed += 1
        return answer

    def _last_words(self) -> str:
        """The last line of standard error, which may still be on its way."""
        assert self._process is not None
        assert self._process.stderr is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        with contextlib.suppress(OSError):  # nothing there, and the other end is still open
            while chunk := os.read(self._process.stderr.fileno(), 65_536):
                self._errors = (self._errors + chunk)[-TAIL:]
        lines = self._errors.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
