"""The checkout that a worker works from: asked for where the run starts, never where it was deployed.

On a workstation it is the directory of `make up`. In the cluster, where VERIF_REPOSITORY is set, it is a clone that is
brought to VERIF_BRANCH before every run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from verif.errors import SetupError, VerifError
from verif.system.git import git
from verif.system.run_cache import dvc


def current(environment: Mapping[str, str]) -> Path:
    """The checkout, brought up to date where it is a clone of ours."""
    if not environment.get("VERIF_HOME"):
        raise SetupError("VERIF_HOME is not set.", "Name the checkout that this worker works from.")
    home = Path(environment["VERIF_HOME"])
    if environment.get("VERIF_REPOSITORY"):
        bring(home, environment["VERIF_REPOSITORY"], environment.get("VERIF_BRANCH") or "main")
    return home


def bring(home: Path, repository: str, branch: str) -> None:
    """Clone, or fetch and reset: what was changed in the checkout is lost, what git ignores (DVC's cache) stays."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that start at once
        if home.is_dir():
            git(home, "fetch", "--quiet", "--force", "origin", branch)
            git(home, "checkout", "--quiet", "--force", "-B", branch, "FETCH_HEAD")
            return
        part = home.with_name(f"{home.name}.part")
        shutil.rmtree(part, ignore_errors=True)  # of a worker that was killed
        git(home.parent, "clone", "--quiet", "--branch", branch, repository, str(part))
        # The runs' clones copy this file: a model of 60 GB is then held once, in the cache, and linked.
        dvc(part, "config", "--local", "cache.type", "reflink,hardlink,copy")
        part.rename(home)


def main() -> int:
    """`python -m flows.checkout`: the path, for the steps in prefect.yaml."""
    try:
        print(current(os.environ))
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
