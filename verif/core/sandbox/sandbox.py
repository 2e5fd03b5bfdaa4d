"""Model-written checkers, run where they can do no harm: pydantic-monty workers, a Python interpreter in Rust.

Covered (each line has an adversarial test in `tests/core/sandbox/test_hostile.py`):
- reading and writing files, the network, subprocesses, the environment: not reachable, the calls raise
- imports other than monty's own modules, dunder walks, `str.format` attribute walks, host objects: not reachable
- an endless loop, a blow-up of a regular expression, deep recursion, sleeping: end at the time limit
- a memory bomb, an output bomb, a huge return value or error message: end at the memory limit, never cross
- fork-like tricks: there is no process to fork; threads and processes cannot be imported
- state passing from one check to its sibling or the next response (mutable defaults, globals, shadowed builtins,
  patched modules, the harness's own variables): a checker shares a session only if the tree of the very text that
  is sent proves it harmless (`verif.core.sandbox.purity`, `verif.core.sandbox.faithful`); any other gets a fresh session
  per response and sees nothing else
- a checker that shares a session although it should not: it runs in a namespace of its own, where neither the
  harness nor a neighbour has a name; what verdicts rest on is looked at after every feed, and a session where it
  changed is thrown away together with that feed's verdicts (`verif.core.sandbox.feed`)
- a source that attacks its reader (nesting, length, odd characters), or that Python would not compile: an error
  with the reason (`verif.core.sandbox.program`)
- clock and randomness: fixed, the same in every session
- anything that is not a boolean: counts by its truth value, as in VerIF's own path; the object itself never crosses
- exceptions of any class, `SystemExit` included: status error with the reason, never a pass or a fail
- a limit or a crash: the group is run again, checker by checker, so that it costs one check and not its siblings
- a lone surrogate in a text (monty takes none): replaced by U+FFFD, one for one

Not covered:
- a flaw in monty itself (the second wall rests on its `exec`, and is tried in every session) or in the kernel: the
  workers are ordinary processes of this user; run the verifier service in a container of its own where that matters
- timing side channels between checks on the same machine
- differences between monty and CPython that raise no error: `verif screen` and `prepare` compare what can be
  compared, see `docs/sandbox.md`
- a lie: a checker that passes everything is safe to run and useless; `verif screen` looks for those
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, cast

import pydantic_monty as monty

from verif.core.deciding import code_digest
from verif.core.sandbox.program import Program, read, solo
from verif.core.sandbox.session import AbortedError, SharedSession, run_alone, short
from verif.errors import SandboxError
from verif.types import Status

_GRACE_S = 0.5
_GROUP_CHARS = 1_000_000
_TROUBLED_MOST = 2_000  # sources, of at most 64 kB each
_EPOCH = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_FAILED = "the checker says no"


class CheckResult(NamedTuple):
    """One check: pass, fail or error, the reason of a fail or an error, and what it cost."""

    status: Status
    reason: str
    seconds: float


class Sandbox:
    """A pool of workers. Thread-safe; starts on first use; `with` or `close` ends it.

    `seconds` and `memory_mb` limit one check. A group of checks gets the same time as one of them; if that is
    not enough its checks run one by one. No more than `workers` feeds run at a time. `restarts` counts workers
    that died or were ended during a feed and were replaced. `version` is part of every cache key.
    """

    def __init__(self, workers: int = 2, seconds: float = 1.0, memory_mb: int = 64) -> None:
        self.workers, self.seconds, self.memory_mb = workers, seconds, memory_mb
        self.version = f"monty-{monty.__version__}/{code_digest('sandbox')[:16]}/{seconds:g}s/{memory_mb}MB"
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(workers)
        self._pool: monty.Monty | None = None
        self._idle: list[SharedSession] = []
        self._troubled: set[str] = set()
        self.restarts = 0
        self._checkout: dict[str, Any] = {
            "limits": {
                "max_feed_duration_secs": seconds,
                "max_memory": memory_mb << 20,
                "max_total_sleep_secs": 0.0,
                "max_recursion_depth": 300,
            },
            "os_policy": {"datetime": _EPOCH, "random_start": {"seed": 0}},
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
            idle, self._idle = self._idle, []
        for shared in idle:
            shared.end()
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
            if program.shared and program.source not in self._troubled
        ]
        for rows in _portions(texts):
            results = self._run_shared(
                instruction, [programs[i] for i in shared], [texts[row] for row in rows]
            )
            cells = ((row, index) for row in rows for index in shared)
            for (row, index), result in zip(cells, results, strict=False):
                grid[row][index] = result
        for cells_of, text in zip(grid, texts, strict=True):
            for index, program in enumerate(programs):
                if cells_of[index] is None:
                    cells_of[index] = self._run_alone(instruction, program, text)
        return cast("list[list[CheckResult]]", grid)

    def _run_shared(
        self, instruction: str, programs: Sequence[Program], texts: Sequence[str]
    ) -> list[CheckResult | None]:
        """Results of all programs on all texts from one feed, texts outermost; None or no entry: run it alone."""
        if not programs or not texts:
            return []
        started = time.perf_counter()
        try:
            marks = self._attempt(lambda: self._feed_shared(instruction, programs, texts))
        except AbortedError:
            return []
        if len(marks) != len(programs) * len(texts):
            return []
        seconds = (time.perf_counter() - started) / len(marks)
        passed, failed = CheckResult(Status.PASS, "", seconds), CheckResult(Status.FAIL, _FAILED, seconds)
        return [passed if mark == "1" else failed if mark == "0" else None for mark in marks]

    def _run_alone(self, instruction: str, program: Program, text: str) -> CheckResult:
        """One check in a session of its own."""
        code, problem = ("", program.problem) if program.problem else solo(program.source)
        if problem:
            return CheckResult(Status.ERROR, problem, 0.0)
        started = time.perf_counter()
        try:
            mark = self._attempt(lambda: self._feed_alone(code, instruction, text))
        except AbortedError as error:
            if len(self._troubled) < _TROUBLED_MOST:
                self._troubled.add(program.source)  # it would take the next group down as well
            return CheckResult(Status.ERROR, str(error), time.perf_counter() - started)
        seconds = time.perf_counter() - started
        if mark == "1":
            return CheckResult(Status.PASS, "", seconds)
        if mark == "0":
            return CheckResult(Status.FAIL, _FAILED, seconds)
        return CheckResult(Status.ERROR, mark[1:] or "the checker interfered with the harness", seconds)

    # ------------------------------------------------------------------------------------ workers
    def _attempt(self, feed: Callable[[], str]) -> str:
        """Feed in turn; if the worker died (not of a limit) it is replaced and the feed tried once more."""
        with self._turns:
            try:
                return feed()
            except monty.MontyCrashedError as error:
                self._count_restart()
                if error.timed_out:
                    raise AbortedError(f"the worker was ended: {short(error)}") from None
            try:
                return feed()
            except monty.MontyCrashedError as error:
                self._count_restart()
                raise AbortedError(f"the worker died: {short(error)}") from None

    def _count_restart(self) -> None:
        with self._lock:
            self.restarts += 1

    def _feed_alone(self, code: str, instruction: str, text: str) -> str:
        with self._started().checkout(**self._checkout) as session:
            return run_alone(session, code, instruction, text)

    def _feed_shared(self, instruction: str, programs: Sequence[Program], texts: Sequence[str]) -> str:
        with self._lock:
            shared = self._idle.pop() if self._idle else None
        if shared is None:
            session = self._started().checkout(**self._checkout)
            session.__enter__()
            shared = SharedSession(session)
        try:
            marks = shared.run(instruction, programs, texts)
        except BaseException:  # whatever it was: this session is not to be trusted any more
            shared.end()
            raise
        if shared.worn:
            shared.end()
        else:
            with self._lock:
                self._idle.append(shared)
        return marks

    def _started(self) -> monty.Monty:
        with self._lock:
            if self._pool is None:
                pool = monty.Monty(
                    min_processes=self.workers,
                    max_processes=2
                    * self.workers,  # sessions that wait for their next group hold a worker each
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


def _clean(text: str) -> str:
    """The text as the workers can take it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


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
