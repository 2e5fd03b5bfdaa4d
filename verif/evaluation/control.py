"""The control beside reinforcement: the same starting policy, trained on with supervision for about the same time.

Without it a gain may only show that the start was undertrained. It runs in a process of its own while other models
are served, and is kept under the digest of what made it, so that an interrupted evaluation does not train it again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from verif.data.tables import read_policy_pairs
from verif.errors import TrainingError
from verif.system.files import digest, digest_tree

DONE = "done.json"


class Control(Protocol):
    """A control that is being trained."""

    def wait(self) -> Path:
        """Its folder, once it is trained."""
        ...


class _Training:
    def __init__(self, process: subprocess.Popen[bytes] | None, folder: Path, log: Path) -> None:
        self.process, self.folder, self.log = process, folder, log

    def wait(self) -> Path:
        if self.process is not None and self.process.wait() != 0:
            last = self.log.read_text("utf-8", "replace").splitlines()[-3:]
            raise TrainingError(
                f"the supervised control was not trained: {' '.join(last)}", f"Log: {self.log}."
            )
        return self.folder


@contextmanager
def training(policy: Path, pairs: Path, state: Path, *, steps: int, seed: int) -> Iterator[Control]:
    """Train the control beside the block; the process ends with it whatever happens."""
    key = digest([digest_tree(policy), digest(pairs.read_bytes()), steps, seed])
    folder = state / "evaluate" / f"control-{key[:16]}"
    log = state / "logs" / "control.log"
    if (folder / DONE).is_file():
        yield _Training(None, folder, log)
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "verif.evaluation.control",
        str(policy),
        str(pairs),
        str(folder),
        str(steps),
        str(seed),
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield _Training(process, folder, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main(policy: str, pairs: str, folder: str, steps: str, seed: str) -> None:
    """Train in this process; the folder appears only when it is complete."""
    from dataclasses import asdict

    from verif.system.files import new_directory, write_json
    from verif.training.tiny.pretrain import continue_training

    with new_directory(Path(folder)) as out:
        trained = continue_training(
            Path(policy),
            out,
            [(pair.prompt, pair.response) for pair in read_policy_pairs(Path(pairs))],
            steps=int(steps),
            seed=int(seed),
        )
        write_json(out / DONE, asdict(trained))


if __name__ == "__main__":
    main(*sys.argv[1:])
