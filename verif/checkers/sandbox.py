"""Model-written checkers, run where they can do no harm: pydantic-monty workers, a Python interpreter in Rust.

Covered (each line has an adversarial test in `tests/checkers/test_hostile.py`):
- reading and writing files, the network, subprocesses, the environment: not reachable, the calls raise
- imports other than monty's own modules, dunder walks, `str.format` attribute walks, host objects: not reachable
- an endless loop, a blow-up of a regular expression, deep recursion, sleeping: end at the time limit
- a memory bomb, an output bomb, a huge return value or error message: end at the memory limit, never cross
- fork-like tricks: there is no process to fork; threads and processes cannot be imported
- state passing from one check to its sibling or the next response (mutable defaults, globals, shadowed builtins,
  patched modules, the harness's own variables): a checker shares a session only if its syntax tree proves it
  harmless (`verif.checkers.purity`); any other gets a fresh session per response
- clock and randomness: fixed, the same in every session
- anything that is not a boolean: counts by its truth value, as in VerIF's own path; the object itself never crosses
- exceptions of any class, `SystemExit` included: status error with the reason, never a pass or a fail
- a limit or a crash: the group is run again, checker by checker, so that it costs one check and not its siblings
- a lone surrogate in a text (monty takes none): replaced by U+FFFD, one for one

Not covered:
- a flaw in monty itself or in the kernel: the workers are ordinary processes of this user; run the verifier
  service in a container of its own where that matters
- timing side channels between checks on the same machine
- differences between monty and CPython that raise no error: `verif screen` and `prepare` compare what can be
  compared, see `docs/sandbox.md`
- a lie: a checker that passes everything is safe to run and useless; `verif screen` looks for those
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple

import pydantic_monty as monty

from verif.checkers import shims
from verif.checkers.feed import group_code
from verif.checkers.program import Program, read
from verif.errors import SandboxError
from verif.types import Status

#: Raise when the harness changes a verdict: it is part of `Sandbox.version` and so of every cache key.
HARNESS = 1
_GRACE_S = 0.5
_OUTPUT_BYTES = 65_536
_GROUP_CHARS = 1_000_000
_EPOCH = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}


class CheckResult(NamedTuple):
    """One check: pass, fail or error, the reason of a fail or an error, and what it cost."""

    status: Status
    reason: str
    seconds: float


class _Aborted(Exception):  # noqa: N818
    """A feed ended at a limit or with its worker; the message says why."""


class Sandbox:
    """A pool of workers. Thread-safe; starts on first use; `with` or `close` ends it.

    `seconds` and `memory_mb` limit one check. A group of checks gets the same time as one of them; if that is
    not enough it is split.
    """

    def __init__(self, workers: int = 2, seconds: float = 1.0, memory_mb: int = 64) -> None:
        self.workers, self.seconds, self.memory_mb = workers, seconds, memory_mb
        self.version = f"monty-{monty.__version__}/{HARNESS}/{seconds:g}s/{memory_mb}MB"
        self._lock = threading.Lock()
        self._pool: monty.Monty | None = None
        self._troubled: set[str] = set()
        self._checkout: dict[str, Any] = {
            "limits": {
                "max_feed_duration_secs": seconds,
                "max_memory": memory_mb << 20,
                "max_total_sleep_secs": 0.0,
                "max_recursion_depth": 300,
            },
            "os_policy": {"datetime": _EPOCH, "random_start": {"seed": 0}},
            "external_modules": {"string": monty.ExternalModule(shims.STRING_MODULE)},
        }

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; the sandbox may be used again and then starts anew."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def check_group(
        self, instruction: str, sources: Sequence[str], responses: Sequence[str]
    ) -> list[list[CheckResult]]:
        """Every source on every response, as `[response][source]`. Raises only if no worker can be started."""
        instruction = _clean(instruction)
        texts = [_clean(response) for response in responses]
        programs = [read(source) for source in sources]
        grid: list[list[CheckResult | None]] = [[None] * len(sources) for _ in responses]
        shared = [
            index
            for index, program in enumerate(programs)
            if not program.problem and not program.alone and sources[index] not in self._troubled
        ]
        for rows in _portions(texts):
            self._run_shared(instruction, sources, programs, texts, grid, shared, rows)
        return [
            [
                found if found is not None else self._run_alone(instruction, programs[index], text)
                for index, found in enumerate(cells)
            ]
            for text, cells in zip(texts, grid, strict=True)
        ]

    # ------------------------------------------------------------------------------------ shared
    def _run_shared(
        self,
        instruction: str,
        sources: Sequence[str],
        programs: Sequence[Program],
        texts: Sequence[str],
        grid: list[list[CheckResult | None]],
        shared: Sequence[int],
        rows: Sequence[int],
    ) -> None:
        """Fill the cells of `rows` x `shared` from one feed; what it could not decide stays None."""
        if not shared or not rows:
            return
        started = time.perf_counter()
        inputs = {"_verif_instruction": instruction, "_verif_responses": [texts[row] for row in rows]}
        try:
            marks = self._feed(group_code([programs[index] for index in shared]), inputs)
            if len(marks) != len(rows) * len(shared):
                raise _Aborted("the harness was interfered with")
        except _Aborted:
            if len(shared) == 1:
                self._troubled.add(sources[shared[0]])
                return
            for index in shared:
                self._run_shared(instruction, sources, programs, texts, grid, [index], rows)
            return
        seconds = (time.perf_counter() - started) / len(marks)
        passed, failed = CheckResult(Status.PASS, "", seconds), CheckResult(Status.FAIL, _FAILED, seconds)
        cells = ((row, index) for row in rows for index in shared)
        for (row, index), mark in zip(cells, marks, strict=True):
            grid[row][index] = passed if mark == "1" else failed if mark == "0" else None

    # ------------------------------------------------------------------------------------- alone
    def _run_alone(self, instruction: str, program: Program, response: str) -> CheckResult:
        """One check in a session of its own."""
        if program.problem:
            return CheckResult(Status.ERROR, program.problem, 0.0)
        started = time.perf_counter()
        try:
            mark = self._feed(program.solo, {"instruction": instruction, "response": response})
        except _Aborted as error:
            return CheckResult(Status.ERROR, str(error), time.perf_counter() - started)
        seconds = time.perf_counter() - started
        if mark == "1":
            return CheckResult(Status.PASS, "", seconds)
        if mark == "0":
            return CheckResult(Status.FAIL, _FAILED, seconds)
        return CheckResult(
            Status.ERROR, mark[1:] if mark.startswith("e") else "the harness was interfered with", seconds
        )

    # -------------------------------------------------------------------------------------- pool
    def _feed(self, code: str, inputs: dict[str, Any]) -> str:
        """Run code in a fresh session; its value as text. A worker that died is replaced and the feed tried once more."""
        for attempt in (1, 2):
            try:
                with self._started().checkout(**self._checkout) as session:
                    sink = monty.CollectString(max_bytes=_OUTPUT_BYTES)
                    value = session.feed_run(code, inputs=inputs, print_callback=sink)
                return value if isinstance(value, str) else ""
            except monty.MontyCrashedError as error:
                if error.timed_out or attempt == 2:
                    raise _Aborted(f"the worker died: {_short(error)}") from None
            except monty.MontyError as error:
                raise _Aborted(_short(error)) from None
        raise AssertionError("unreachable")

    def _started(self) -> monty.Monty:
        with self._lock:
            if self._pool is None:
                pool = monty.Monty(
                    min_processes=self.workers,
                    max_processes=self.workers,
                    request_timeout=self.seconds + _GRACE_S,
                    feed_duration_limit_grace=_GRACE_S,
                )
                try:
                    self._pool = pool.__enter__()
                except (OSError, RuntimeError, monty.MontyError) as error:
                    raise SandboxError(
                        f"the checker sandbox cannot start: {error}",
                        "Is pydantic-monty installed for this platform?",
                    ) from None
            return self._pool


_FAILED = "the checker says no"


def _clean(text: str) -> str:
    return text if text.isascii() else text.translate(_SURROGATES)


def _short(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def _portions(texts: Sequence[str]) -> list[list[int]]:
    """Positions of the texts in portions that fit one feed."""
    portions: list[list[int]] = [[]]
    size = 0
    for index, text in enumerate(texts):
        if portions[-1] and size + len(text) > _GROUP_CHARS:
            portions.append([])
            size = 0
        portions[-1].append(index)
        size += len(text)
    return portions
