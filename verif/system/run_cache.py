"""Results of stages between clones: restore from DVC's cache or remote and its run-cache, or refuse; never run.

`dvc repro` runs the stage when the run-cache does not know it, GPU training included, and its dry run prints
"Running stage" in both cases. So the cache is asked first, through the same call `dvc repro` makes; only on a hit,
with all outputs here, is `dvc repro` let loose, which then writes dvc.lock. Written for DVC 3.67.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verif.errors import ClusterError
from verif.system.disclosure.masking import mask
from verif.system.dvc import stage_name

MISS = 3
ONLY_ASKED = "--only-asked"


@contextmanager
def opened(clone: Path) -> Iterator[Any]:
    """DVC's own view of the project; what DVC cannot read is a `ClusterError`."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(clone)) as repo:
            yield repo
    except DvcException as error:
        raise ClusterError(f"DVC cannot read {clone}: {mask(str(error))}") from None


def upstream(clone: Path, stage: str) -> list[str]:
    """The stages that `stage` depends on, parents first."""
    with opened(clone) as repo:
        graph = repo.index.graph
        ordered: list[str] = []

        def visit(node: Any) -> None:
            for parent in graph.successors(node):
                visit(parent)
            if stage_name(node) and stage_name(node) not in ordered:
                ordered.append(stage_name(node))

        visit(next(node for node in graph if stage_name(node) == stage))
    return ordered[:-1]


def tracked(clone: Path) -> list[str]:
    """The files and folders that `dvc add` tracks, by their paths in the project."""
    with opened(clone) as repo:
        outs = [out for stage in repo.index.stages if not stage_name(stage) for out in stage.outs]
        return sorted(os.path.relpath(out.fs_path, repo.root_dir) for out in outs)


def fetch_tracked(clone: Path) -> None:
    """Bring what `dvc add` tracks, of which a commit holds the digests only.

    All of them: benchmarks are read by their path, and no stage names them. The cache is asked before the remote,
    because `dvc pull` wants an answer from the remote even where the cache has everything.
    """
    targets = tracked(clone)
    if not targets:
        return
    try:
        dvc(clone, "checkout", *targets)
    except ClusterError:
        dvc(clone, "pull", *targets, hint="`dvc push` them where they were added.")


def not_pushed(clone: Path) -> list[str]:
    """What `dvc add` tracks and the remote lacks."""
    targets = tracked(clone)
    told = dvc(clone, "status", "--cloud", "--json", *targets) if targets else ""
    return sorted(path for path, state in json.loads(told or "{}").items() if state in ("new", "missing"))


def has_remote(clone: Path) -> bool:
    """Whether the project has a default remote."""
    with opened(clone) as repo:
        return bool(repo.config["core"].get("remote"))


def fetch_run_cache(clone: Path) -> None:
    """Bring the remote's run-cache (small lock entries, no data); an unreachable remote says so."""
    from dvc.repo import Repo

    try:
        with Repo(str(clone)) as repo:
            repo.stage_cache.pull(None)
    except Exception as error:  # DVC lets every storage library's own errors through
        raise ClusterError(
            f"the DVC remote could not be read: {mask(str(error))}",
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
        raise ClusterError(mask(f"`dvc {' '.join(arguments)}` ended with {done.returncode}: {said}"), hint)
    return done.stdout


def has_result(clone: Path, stage: str, *, fetch: bool = True) -> bool:
    """Whether the result of this stage, for exactly these inputs, is here or on the remote (and fetches it).

    Without `fetch`, only the cache here is asked and nothing is touched. Asked in a process of its own: DVC resolves
    stage paths against the current directory.
    """
    command = [sys.executable, "-m", "verif.system.run_cache", stage, *([] if fetch else [ONLY_ASKED])]
    done = subprocess.run(command, cwd=clone, check=False, capture_output=True, text=True)
    if done.returncode not in (0, MISS):
        words = done.stderr.strip().splitlines() or ["no message"]
        raise ClusterError(f"DVC could not be asked for the result of stage {stage!r}: {mask(words[-1])}")
    return done.returncode == 0


def _look_up(stage: str, only_asked: bool) -> int:
    from dvc.repo import Repo
    from dvc.stage.cache import RunCacheNotFoundError

    with Repo() as repo, repo.lock:
        # From the cache first: with `pull`, DVC wants a remote that answers even where nothing is to be fetched.
        for pull in (False, True) if repo.config["core"].get("remote") and not only_asked else (False,):
            try:
                node = repo.stage.load_one(name=stage)
                if only_asked:
                    node.save_deps()  # DVC looks its results up by the digests of what lies here
                repo.stage_cache.restore(node, pull=pull, dry=only_asked)
                return 0
            except (RunCacheNotFoundError, FileNotFoundError) as error:
                print(f"no result of stage {stage}: {error}", file=sys.stderr)
    return MISS


def restore(clone: Path, stage: str) -> None:
    """Bring a stage's result into the clone without running anything; refuse on a miss."""
    if not has_result(clone, stage):
        raise ClusterError(
            f"there is no result of stage {stage!r} for these inputs, here or on the remote.",
            f"Run it where it belongs first: `verif run --from-stage {stage}`.",
        )
    dvc(clone, "repro", "--single-item", stage)


def restore_upstream(clone: Path, stage: str) -> None:
    """Bring everything a stage depends on: data that `dvc add` tracks, and the results of the stages before it."""
    fetch_tracked(clone)
    for parent in upstream(clone, stage):
        restore(clone, parent)


def restore_missing(clone: Path, stages: Sequence[str]) -> None:
    """Bring the results of those stages (in the graph's order) whose outputs are not here; the others stay as they are.

    The run-cache of the remote, where there is one, is asked for only when the one here does not know a result.
    """
    if not stages:
        return
    with opened(clone) as repo:
        here = {stage_name(s) for s in repo.index.stages if all(out.exists for out in s.outs)}
    asked = not has_remote(clone)
    for stage in stages:
        if stage in here:
            continue
        if not asked and not has_result(clone, stage):
            fetch_run_cache(clone)
            asked = True
        restore(clone, stage)


if __name__ == "__main__":
    sys.exit(_look_up(sys.argv[1], ONLY_ASKED in sys.argv[2:]))
