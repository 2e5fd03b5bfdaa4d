"""Results of stages between clones: restore from DVC's remote and run-cache, or refuse; never run.

`dvc repro --pull` runs the stage when the run-cache does not know it, GPU training included, and its dry run
prints "Running stage" in both cases. So the cache is asked first, through the same call `dvc repro` makes; only on
a hit is `dvc repro --pull` let loose, which then writes dvc.lock. Written for DVC 3.67.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from verif.errors import ClusterError

MISS = 3


def upstream(clone: Path, stage: str) -> list[str]:
    """The stages that `stage` depends on, parents first."""
    from dvc.repo import Repo

    with Repo(str(clone)) as repo:
        graph = repo.index.graph
        ordered: list[str] = []

        def visit(node: Any) -> None:
            for parent in graph.successors(node):
                visit(parent)
            if node.name not in ordered:
                ordered.append(node.name)

        visit(next(node for node in graph if node.name == stage))
    return ordered[:-1]


def fetch_run_cache(clone: Path) -> None:
    """Bring the remote's run-cache (small lock entries, no data); an unreachable remote says so."""
    from dvc.repo import Repo

    try:
        with Repo(str(clone)) as repo:
            repo.stage_cache.pull(None)
    except Exception as error:  # DVC lets every storage library's own errors through
        raise ClusterError(
            f"the DVC remote could not be read: {error}",
            "Check its address and credentials (`dvc remote list`).",
        ) from error


def dvc(clone: Path, *arguments: str, hint: str = "") -> str:
    """Run a DVC command in the clone; a failure carries its last line."""
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=clone, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        words = [line for line in done.stderr.strip().splitlines() if line.strip()]
        said = next(
            (line for line in words if line.startswith("ERROR")), words[-1] if words else "no message"
        )
        raise ClusterError(f"`dvc {' '.join(arguments)}` ended with {done.returncode}: {said}", hint)
    return done.stdout


def has_result(clone: Path, stage: str) -> bool:
    """Whether the result of this stage, for exactly these inputs, is here or on the remote (and fetches it).

    Asked in a process of its own: DVC resolves stage paths against the current directory.
    """
    command = [sys.executable, "-m", "verif.cluster.transport", stage]
    done = subprocess.run(command, cwd=clone, check=False, capture_output=True, text=True)
    if done.returncode not in (0, MISS):
        words = done.stderr.strip().splitlines() or ["no message"]
        raise ClusterError(f"DVC could not be asked for the result of stage {stage!r}: {words[-1]}")
    return done.returncode == 0


def _look_up(stage: str) -> int:
    from dvc.repo import Repo
    from dvc.stage.cache import RunCacheNotFoundError

    with Repo() as repo, repo.lock:
        try:
            repo.stage_cache.restore(repo.stage.load_one(name=stage), pull=True)
        except (RunCacheNotFoundError, FileNotFoundError) as error:
            print(f"no result of stage {stage}: {error}", file=sys.stderr)
            return MISS
    return 0


def restore(clone: Path, stage: str) -> None:
    """Bring a stage's result into the clone without running anything; refuse on a miss."""
    if not has_result(clone, stage):
        raise ClusterError(
            f"there is no result of stage {stage!r} for these inputs, here or on the remote.",
            f"Run it where it belongs first: `verif run --from-stage {stage}`.",
        )
    dvc(clone, "repro", "--single-item", "--pull", stage)


def restore_upstream(clone: Path, stage: str) -> None:
    """Bring everything a stage depends on."""
    for parent in upstream(clone, stage):
        restore(clone, parent)


if __name__ == "__main__":
    sys.exit(_look_up(sys.argv[1]))
