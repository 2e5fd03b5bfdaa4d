"""Runs veRL to its end, or to a clear error: progress, a watchdog, and nothing left behind.

Why a watchdog: when vLLM's worker fails while weights are sent to it, veRL's driver waits for ever. The
trainer writes a heartbeat at every phase (`progress.RunFolder`); a run that shows no new one within
`step_timeout_s` (at least `START_S` before the first step) is ended.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from verif.errors import BusyError, SetupError, TrainingError
from verif.system.files import write_bytes
from verif.system.private import new_secret, private_folder
from verif.training import ending, guard, holder
from verif.training.command import CommandLine
from verif.training.environment import TOKEN
from verif.training.progress import RunFolder

START_S = 600.0
"""Seconds until the first heartbeat after the start-up of Ray, veRL and vLLM, at least."""
POLL_S = 0.25
STARTS = 3
"""Ray gives its own helpers 15 s to start, which a busy machine may not grant: it is tried again."""

Builder = Callable[[Path], CommandLine]
OnStep = Callable[[int], None]
SHORT = Path("/tmp")  # noqa: S108
"""Where Ray's folder of a run is made, by a name nobody can guess: the paths of its sockets must be short."""


@contextmanager
def claim(folder: RunFolder) -> Iterator[None]:
    """Hold the run's folder: a second supervisor gets a `BusyError`; what a killed one left is ended."""
    private_folder(folder.path)  # what lies here names processes to end and a folder to remove
    with (folder.path / "lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                f"another process is training in {folder.path}.", "Wait for it, or end it."
            ) from None
        end_previous(folder)
        with holder.held(folder.path):
            yield


def end_previous(folder: RunFolder) -> None:
    """End processes of an earlier attempt whose supervisor and guard were both killed."""
    record = folder.path / "attempt"
    try:
        marker, ray = record.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    guard.remove(guard.end_all(marker), Path(ray))
    record.unlink(missing_ok=True)


def run(
    build: Builder, folder: RunFolder, *, steps: int, step_timeout_s: float, on_step: OnStep | None = None
) -> None:
    """Train to the last step in a claimed folder; `TrainingError` if that does not happen.

    `build` makes the job for a folder that Ray may use; `on_step` is called once after each step, and what
    it raises ends the run. SIGINT and SIGTERM end the run first and then this
    process, as a `KeyboardInterrupt`.
    """
    for attempt in range(1, STARTS + 1):
        folder.clear_failure()
        code = _attempt(build, folder, steps, step_timeout_s, on_step)
        if code == 0 and steps in folder.done():
            return
        if attempt == STARTS or folder.heartbeat()[0] or "timed out during startup" not in end_of_log(folder):
            raise failure(folder, code)
        print("train: Ray did not start in time; trying again", flush=True)


def _attempt(
    build: Builder, folder: RunFolder, steps: int, step_timeout_s: float, on_step: OnStep | None
) -> int:
    """One start of veRL, watched; its exit code."""
    marker = secrets.token_hex(16)
    ray = Path(tempfile.mkdtemp(prefix="vr", dir=SHORT))  # a short path: it holds sockets
    job = build(ray)
    with suppress(SetupError):  # a volume that knows no owners; the token's file still has its mode
        private_folder(folder.path)
    new_secret(folder.path / TOKEN)  # Ray's, for this attempt
    write_bytes(folder.path / "attempt", f"{marker}\n{ray}\n".encode())
    line = [sys.executable, "-I", str(Path(guard.__file__)), marker, str(folder.log), str(ray), "--"]
    folder.log.write_bytes(b"")
    with interruptible():
        process = subprocess.Popen(
            [*line, sys.executable, *job.arguments],
            stdin=subprocess.PIPE,
            # The key: rollouts do not come through the model server's HTTP port, so nobody needs to know it.
            env={**os.environ, **job.environment, "VLLM_API_KEY": secrets.token_urlsafe(32)},
            cwd=folder.path,
            start_new_session=True,
        )
        try:
            _watch(process, folder, steps, step_timeout_s, on_step)
        except KeyboardInterrupt:
            ending.save_first(process, folder, ending.grace())
            raise
        finally:
            stop(process)
            shutil.rmtree(ray, ignore_errors=True)
            (folder.path / "attempt").unlink(missing_ok=True)
            (folder.path / TOKEN).unlink(missing_ok=True)
    return process.returncode


def _watch(
    process: subprocess.Popen[bytes],
    folder: RunFolder,
    steps: int,
    step_timeout_s: float,
    on_step: OnStep | None,
) -> None:
    """Show progress until the process ends; `TrainingError` if it hangs."""
    shown = len(folder.done())
    changed, last = time.monotonic(), folder.heartbeat()
    while True:
        ended = process.poll() is not None
        beat = folder.heartbeat()
        if beat != last:
            changed, last = time.monotonic(), beat
        done = folder.done()
        for step in done[shown:]:
            print(progress_line(folder, step, steps), flush=True)
            if on_step is not None:
                on_step(step)
        shown = len(done)
        if ended:
            return
        time.sleep(POLL_S)
        started = last[0].startswith(("step", "after", "checkpoint"))
        limit = step_timeout_s if started else max(START_S, step_timeout_s)
        if time.monotonic() - changed > limit:
            doing = last[0] or "starting"
            raise TrainingError(
                f"training hangs: nothing has happened for {limit:.0f} s (last: {doing}).",
                f"The log is {folder.log}; run the same command again to resume from step"
                f" {folder.checkpoint()}. Slow steps: raise train.step_timeout_s.",
            )


def progress_line(folder: RunFolder, step: int, steps: int) -> str:
    """`step 12/40 reward 0.61 18 s left`."""
    recent = [folder.metrics(s).get("verif/step_s", 0.0) for s in folder.done()[-5:]]
    left = (steps - step) * sum(recent) / max(1, len(recent))
    numbers = folder.metrics(step)
    reward = numbers.get("verif/reward_mean")
    errors = int(numbers.get("verif/reward_errors", 0))
    said = "no reward" if reward is None else f"reward {reward:.2f}"
    return f"step {step}/{steps} {said}{f' ({errors} errors)' if errors else ''} {left:.0f} s left"


def stop(process: subprocess.Popen[bytes]) -> None:
    """Tell the guard to end the run (closing its pipe) and wait until everything is gone."""
    pipe: IO[bytes] | None = process.stdin
    if pipe is not None and not pipe.closed:
        pipe.close()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM arrives as KeyboardInterrupt, like Ctrl-C, so that the run is ended before this process is."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before: Any = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever runs us there handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def failure(folder: RunFolder, code: int) -> TrainingError:
    """Why the run ended: the trainer's own error, or the last words of the log."""
    hint = f"The log is {folder.log}. The same command resumes from step {folder.checkpoint()}."
    if left := folder.failure():
        return TrainingError(left[0], left[1] or hint)
    doing = folder.heartbeat()[0] or "starting"
    return TrainingError(f"veRL ended with exit code {code} ({doing}): {cause(end_of_log(folder))}", hint)


def end_of_log(folder: RunFolder, size: int = 65536) -> str:
    """The last bytes of veRL's log."""
    try:
        with folder.log.open("rb") as stream:
            stream.seek(max(0, folder.log.stat().st_size - size))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def cause(log: str) -> str:
    """The last line of a log that names an exception or says that a worker died, without Ray's prefix."""
    marks = ("Error:", "Exception:", "Interrupt", "died", "killed", "No space left")
    lines = [line.split("\x1b[0m")[-1].strip() for line in log.splitlines()]
    named = [line for line in lines if any(mark in line for mark in marks)]
    text = (named or [line for line in lines if line] or ["no output"])[-1]
    return text[:400]
