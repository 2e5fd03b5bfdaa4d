"""Is the project in a state that pods can clone? Checks on git, DVC, data and recipe; none needs a cluster."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import yaml

from verif.cluster.request import goes_to_cluster
from verif.errors import ClusterError, VerifError
from verif.project import Overrides, merged, read_parameters, reads_file
from verif.recipe import Recipe
from verif.system import run_cache as transport
from verif.system.check import Check
from verif.system.disclosure.masking import mask_uri
from verif.system.git import GitAnswer, ask

QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
"""Git never asks for a password: nobody may be there."""
REMOTE_S = 120.0


def _git(root: Path, *arguments: str) -> GitAnswer:
    return ask(root, *arguments, env=QUIET | os.environ, timeout_s=REMOTE_S)


def check_tree(base: Path, recipe: Recipe, overrides: Overrides) -> Check:
    """No change by hand: pods clone the commit. The choice of recipe and the overrides reach them beside it."""
    status = _git(base, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
    if not status.ok:
        return Check(
            "working tree", False, status.complaint, "Work in a git repository: pods clone a commit."
        )
    paths = [entry[3:] for entry in status.output.split("\0") if entry]
    # dvc.lock is what this machine made; pods restore results from the run-cache, not from the lock.
    changed = [p for p in paths if p != "dvc.lock" and not _ours(base, p, recipe, overrides)]
    shown = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if len(changed) > 8 else "")
    return Check(
        "working tree",
        not changed,
        f"uncommitted in {base}: {shown}" if changed else "clean",
        "Commit or discard these files.",
    )


def _ours(base: Path, path: str, recipe: Recipe, overrides: Overrides) -> bool:
    """Whether a changed file holds nothing but what verif wrote into it: the parameters, or the overridden recipe."""
    try:
        if path == "params.yaml":
            return bool(read_parameters(base))
        if path != f"recipes/{recipe.name}.yaml" or not overrides:
            return False
        committed = _git(base, "show", f"HEAD:{path}")
        here = yaml.safe_load((base / path).read_text("utf-8"))
        return committed.ok and bool(here == merged(yaml.safe_load(committed.output), overrides))
    except (VerifError, OSError, yaml.YAMLError):
        return False


def check_pushed(root: Path, repository: str) -> Check:
    """The repository that pods clone has this commit on a branch or under a tag."""
    what = "pushed commit"
    if not _git(root, "rev-parse", "--verify", "HEAD").ok:
        return Check(what, False, f"{root} has no commit", "Commit your work.")
    told = _git(root, "ls-remote", "--heads", "--tags", repository)
    if not told.ok:
        fix = "Check `repository` in the cluster file and your access to it."
        return Check(what, False, f"{mask_uri(repository)} cannot be read: {told.complaint}", fix)
    tips = [line.split("\t")[0] for line in told.output.splitlines() if not line.endswith("^{}")]

    def has_commit() -> bool:
        lacking = _git(root, "rev-list", "--ignore-missing", "--max-count=1", "HEAD", "--not", *tips)
        return lacking.ok and not lacking.text

    if not has_commit():
        # Others may have pushed since: what they did is fetched (no branch here changes), then asked again.
        _git(root, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", repository, *tips)
        if not has_commit():
            return Check(what, False, f"{mask_uri(repository)} lacks the commit", "Run `git push`.")
    return Check(what, True, f"on {mask_uri(repository)}")


def check_remote(root: Path) -> Check:
    """A DVC remote that answers."""
    what = "DVC remote"
    try:
        if not transport.has_remote(root):
            return Check(what, False, "no default remote", "Run `dvc remote add -d NAME URL`.")
        transport.fetch_run_cache(root)
    except ClusterError as error:
        return Check(what, False, error.message, error.hint)
    return Check(what, True)


def check_tracked(root: Path) -> Check:
    """The remote, which answers, has what `dvc add` tracks."""
    lacking = transport.not_pushed(root)
    return Check(
        "data on the remote", not lacking, f"lacks {', '.join(lacking)}" if lacking else "", "Run `dvc push`."
    )


def check_data(root: Path, recipe: Recipe) -> list[Check]:
    """The files that pods read come with the commit, by git or by DVC. Which data this run reads is told to them."""
    wanted = [read_parameters(root)["data"]] if reads_file(recipe) else []
    if goes_to_cluster(recipe, "evaluate"):
        wanted += [b.path for b in recipe.evaluate.benchmarks if b.path and not b.repo]
    tracked = [PurePosixPath(path) for path in transport.tracked(root)]
    absent = []
    for path in map(PurePosixPath, wanted):
        held = any(path == t or t in path.parents or path in t.parents for t in tracked)
        if not held and not _git(root, "cat-file", "-e", f"HEAD:./{path}").ok:
            absent.append(str(path))
    return [
        Check(
            "data files",
            not absent,
            f"not in the commit: {', '.join(absent)}" if absent else ", ".join(wanted),
            "`git add` or `dvc add` them, and commit.",
        ),
    ]
