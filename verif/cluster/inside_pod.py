"""What a stage's pod runs: clone the commit, get the inputs, run the stage, send the outputs.

Data travels through DVC's remote and run-cache (`dvc pull`, `dvc push --run-cache`); there is no shared volume and
no second artifact protocol. Only checkpoints live on a persistent volume, so that an evicted training resumes.
Nothing here is specific to Kubernetes: the same module serves two clones and one remote in a test.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.cluster.images import lock_digest
from verif.cluster.pod_signals import CHECKPOINT_S, ToldToEnd, endable, run_group
from verif.errors import ClusterError, VerifError
from verif.project import apply_overrides, overrides_digest, set_parameters
from verif.system.disclosure.masking import mask
from verif.system.dvc import stage_environment
from verif.system.run_cache import dvc, fetch_run_cache, restore_upstream

log = logging.getLogger("verif.cluster.inside_pod")


@dataclass(frozen=True)
class Assignment:
    """One stage at one commit, as the executor sent it (see `StageRequest.environment`)."""

    repository: str
    commit: str
    stage: str
    recipe: str
    overrides: dict[str, Any]
    workspace: Path
    checkpoints: Path | None = None
    data: str = ""
    run_id: str = ""
    role: str = ""
    lock: str = ""


def read_assignment(environment: dict[str, str]) -> Assignment:
    """The assignment in the environment; overrides whose digest differs are refused."""
    try:
        overrides = json.loads(environment.get("VERIF_OVERRIDES", "{}"))
        assignment = Assignment(
            repository=environment["VERIF_REPOSITORY"],
            commit=environment["VERIF_COMMIT"],
            stage=environment["VERIF_STAGE"],
            recipe=environment["VERIF_RECIPE"],
            overrides=overrides,
            workspace=Path(environment.get("VERIF_WORKSPACE", "/workspace")),
            checkpoints=Path(environment["VERIF_CHECKPOINTS"])
            if environment.get("VERIF_CHECKPOINTS")
            else None,
            data=environment.get("VERIF_DATA", ""),
            run_id=environment.get("VERIF_RUN_ID", ""),
            role=environment.get("VERIF_ROLE", ""),
            lock=environment.get("VERIF_LOCK", ""),
        )
    except KeyError as error:
        raise ClusterError(
            f"the pod was started without {error}.",
            "Start it through `verif run`, with the stage's executor set to kubernetes in the recipe.",
        ) from None
    except ValueError as error:
        raise ClusterError(f"VERIF_OVERRIDES is not JSON: {error}") from None
    if overrides_digest(overrides) != environment.get("VERIF_OVERRIDES_DIGEST", ""):
        raise ClusterError("the overrides do not match their digest; they were changed on the way.")
    return assignment


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    shown = mask(" ".join(command))
    log.info("$ %s", shown)
    code, last = run_group(command, cwd, env)
    if code != 0:
        raise ClusterError(f"`{shown}` ended with {code}: {mask(last) or 'no message'}")


def check_out(assignment: Assignment) -> Path:
    """A clone of the commit with the run's recipe and overrides; an existing clone (a restarted pod) is reset to it."""
    clone = assignment.workspace / "clone"
    if not (clone / ".git").is_dir():
        assignment.workspace.mkdir(parents=True, exist_ok=True)
        _run(
            "git",
            "clone",
            "--quiet",
            "--no-checkout",
            assignment.repository,
            str(clone),
            cwd=assignment.workspace,
        )
    _run("git", "checkout", "--quiet", "--force", "--detach", assignment.commit, cwd=clone)
    require_image(clone, assignment)
    tracked = clone / f"{assignment.data}.dvc"
    if assignment.data and tracked.is_file() and not (clone / assignment.data).exists():
        dvc(clone, "pull", str(tracked), hint="Send it first: `dvc push`.")
    set_parameters(clone, assignment.recipe, assignment.data)
    apply_overrides(clone, assignment.recipe, assignment.overrides)
    if assignment.checkpoints is not None:
        (clone / ".verif").mkdir(exist_ok=True)
        runs = clone / ".verif" / "runs"
        assignment.checkpoints.mkdir(parents=True, exist_ok=True)
        if not runs.exists():
            runs.symlink_to(assignment.checkpoints.resolve(), target_is_directory=True)
    return clone


def require_image(clone: Path, assignment: Assignment) -> None:
    """The stage runs the commit's code on the image's packages: both must come from the same locks."""
    if assignment.lock and assignment.role and assignment.lock != lock_digest(clone, assignment.role):
        raise ClusterError(
            f"this image was built from other locks than commit {assignment.commit[:12]} has.",
            f"Run `verif images build {assignment.role} --push` and put its digest into infra/cluster.yaml.",
        )


def run(assignment: Assignment) -> None:
    """The whole life of a pod. Inputs that the remote lacks are an error here, not a re-computation."""
    clone = check_out(assignment)
    fetch_run_cache(clone)
    restore_upstream(clone, assignment.stage)
    environment = stage_environment(clone, assignment.run_id) | {"VERIF_GRACE_S": f"{CHECKPOINT_S:.0f}"}
    _run(sys.executable, "-m", "dvc", "repro", "--single-item", assignment.stage, cwd=clone, env=environment)
    dvc(clone, "push", "--run-cache")
    if assignment.checkpoints and assignment.workspace.is_relative_to(assignment.checkpoints):
        shutil.rmtree(assignment.workspace, ignore_errors=True)  # shared storage is not scratch


def main() -> None:
    """Entry point of the pod: one line on failure, so that it becomes the termination message."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with endable():
            run(read_assignment(dict(os.environ)))
    except ToldToEnd:
        print(
            "verif: the pod was told to end (SIGTERM); a later attempt goes on from the last checkpoint",
            file=sys.stderr,
        )
        sys.exit(143)
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
