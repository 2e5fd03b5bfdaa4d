"""The process that compares expressions: `python -I maths_worker.py`, one JSON object a line in, one out.

A policy wrote what is read here, and sympy computes with it: towers of powers, factorials, integrals. So this process
forks a child for the comparisons; a child that has used its processor time or memory is ended by the kernel, and a
new one takes the next line. Only the LaTeX reader is used, which evaluates no code; a hook refuses code made of text,
processes, sockets and written files on top of that.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import signal
import sys
from typing import Any

CPU_S = 2.0
"""Processor seconds of one comparison."""
MEMORY = 1 << 30
"""Bytes that a comparison may add to the address space."""
_REFUSED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "subprocess.Popen",
    "socket.",
    "ctypes.",
)

_NUMERAL = re.compile(r"from sympy import \*|(?:Float|Integer|Rational) \('?[0-9.]+'? *\)")
"""How sympy makes a number of digits: the only code of text that a comparison needs."""


def compare(reference: str, answer: str) -> bool | None:
    """Whether two expressions are equal; None where the answer cannot be read."""
    from math_verify import LatexExtractionConfig, parse, verify

    config = [LatexExtractionConfig()]
    sides = [
        parse(f"\\boxed{{{text}}}", config, fallback_mode="no_fallback", parsing_timeout=None)
        for text in (reference, answer)
    ]
    if not sides[1]:
        return None
    return bool(verify(sides[0], sides[1], timeout_seconds=None))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook of a child: what a comparison never needs."""
    if (
        event == "compile"
        and str(arguments[1]).startswith("<")
        and not _NUMERAL.fullmatch(_source(arguments[0]))
    ):
        raise PermissionError("no code is made of text here")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError("no file is written here")
    if event.startswith(_REFUSED):
        raise PermissionError(event)


def _source(given: Any) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)


def _child(requests: int, answers: int) -> None:
    """Compare until the parent closes the pipe."""
    # Which ends the process, also within one long multiplication.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")  # noqa: SIM115, PTH123
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    with os.fdopen(requests, "rb") as lines:
        sys.addaudithook(_refuse)
        for line in lines:
            asked = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, CPU_S)
            try:
                said: dict[str, Any] = {"same": compare(asked["reference"], asked["answer"])}
            except MemoryError:
                said = {"ended": "memory"}
            except RecursionError:
                said = {"ended": "depth"}
            except Exception as error:  # whatever the libraries raise at text that they cannot read
                said = {"same": None, "why": type(error).__name__}
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.write(answers, json.dumps(said).encode() + b"\n")


class Child:
    """A forked child and the pipes to it."""

    def __init__(self) -> None:
        there, self._requests = os.pipe()
        self._answers, back = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._requests)
            os.close(self._answers)
            try:
                _child(there, back)
            finally:
                os._exit(0)
        os.close(there)
        os.close(back)
        self._lines = os.fdopen(self._answers, "rb")

    def ask(self, line: bytes) -> bytes:
        """Its answer; b"" if it ended instead."""
        try:
            os.write(self._requests, line)
        except BrokenPipeError:
            return b""
        return self._lines.readline()

    def end(self) -> int:
        """Close the pipes; the signal that ended it, or 0."""
        os.close(self._requests)
        self._lines.close()
        _, status = os.waitpid(self.pid, 0)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def main() -> None:
    """Serve lines until standard input ends."""
    # The libraries warn that time is limited elsewhere: it is, by the kernel.
    logging.disable(logging.CRITICAL)
    compare("1", "\\frac{2}{2}")  # what the libraries make on first use
    sys.stdout.buffer.write(b'{"ready": true}\n')
    sys.stdout.buffer.flush()
    child = Child()
    for line in sys.stdin.buffer:
        said = child.ask(line)
        if not said:
            ended = child.end()
            ends = {int(signal.SIGPROF): "time", int(signal.SIGSEGV): "depth"}
            reason = ends.get(ended, f"signal {ended}")
            said = json.dumps({"ended": reason}).encode() + b"\n"
            child = Child()
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
