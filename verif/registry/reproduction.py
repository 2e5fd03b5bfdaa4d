"""The shell commands that make a registered version again: clone, commit, what was changed, run, compare.

What the commands need must be where they look for it: a commit that was never pushed is cloned from this
working directory, and data that is not in the repository is named by its place here.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import yaml

from verif.errors import RegistryError
from verif.project import WORLD
from verif.registry.runs.lineage import git
from verif.registry.runs.mlflow import mlflow_errors
from verif.registry.store import MODEL_DIGEST, Registry, Version


def reproduction(registry: Registry, version: Version, root: Path) -> list[str]:
    """The commands for a version, seen from the project at `root`; a `RegistryError` if its commit is unknown."""
    tags = version.tags
    commit = tags.get("verif.git.commit", "none")
    if commit == "none":
        raise RegistryError(
            f"version {version.number} was made outside a git repository; its commit is unknown."
        )
    kept, params = _lineage(registry, version)
    folder = f"reproduce-{registry.name}-{version.number}"
    out = [f"git clone {quote(origin(root, commit))} {quote(folder)}", f"cd {quote(folder)}"]
    out.append(f"git checkout --quiet {commit}")
    if "lineage/changes.patch" in kept:
        patch = f"mlflow artifacts download -r {version.run_id} -a lineage/changes.patch -d ."
        out += [f"MLFLOW_TRACKING_URI={quote(registry.uri)} {patch}", "git apply changes.patch"]
    if left_out := tags.get("verif.git.left_out"):
        out.append(f"# too large for the patch, copy from where the model was made: {left_out}")
    out.append(f"make run RECIPE={tags.get('verif.recipe.name', 'local')}{_data(params, root)}")
    out.append(f"verif reproduce --compare {tags.get(MODEL_DIGEST, '')} models/trained")
    return out


def origin(root: Path, commit: str) -> str:
    """Where to clone from: the remote if it has the commit, else this working directory."""
    pushed = git(root, "branch", "--remotes", "--contains", commit)
    return (git(root, "remote", "get-url", "origin") if pushed else "") or str(root)


def _lineage(registry: Registry, version: Version) -> tuple[list[str], str]:
    """The files kept with the version, and its params.yaml."""
    with mlflow_errors("reading the lineage", registry.uri):
        kept = [f.path for f in registry.mlflow.list_artifacts(version.run_id, "lineage")]
        if "lineage/params.yaml" not in kept:
            return kept, ""
        path = registry.mlflow.download_artifacts(version.run_id, "lineage/params.yaml")
    return kept, Path(path).read_text("utf-8")


def _data(params: str, root: Path) -> str:
    """The data argument of `make run`: none for the local world."""
    found = yaml.safe_load(params) if params else None
    value = str(found.get("data", "")) if isinstance(found, dict) else ""
    if value in ("", WORLD):
        return ""
    in_repository = git(root, "ls-files", "--", value)
    return f" DATA={quote(value if in_repository else str(root / value))}"
