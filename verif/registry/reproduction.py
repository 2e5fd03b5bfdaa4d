"""The commands that make a registered version again: clone, commit, what was changed, run, compare.

What the commands need must be where they look for it: a commit that was never pushed is cloned from this
working directory, and data that is not in the repository is named by its place here.

Whoever may write to MLflow writes the tags, so every one of them is held against its form, each command is a list of
arguments, and no shell reads any. Running them still runs the code of the version: that is what it is for.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from verif.errors import RegistryError
from verif.project import SUMS, WORLD
from verif.registry.runs.mlflow import mlflow_errors
from verif.registry.store import MODEL_DIGEST, Registry, Version
from verif.system.disclosure.masking import mask, mask_uri
from verif.system.disclosure.patch import printable
from verif.system.git import ask

PLAIN = r"[\w][\w.-]{0,127}"
FORMS = {
    "verif.git.commit": r"[0-9a-f]{40}([0-9a-f]{24})?",
    "verif.recipe.name": PLAIN,
    MODEL_DIGEST: r"[0-9a-f]{16,128}",
}
"""What the tags that end in a command must look like."""
DATA = r"[\w./@+=:,%~-]+"
"""What `make` and the shell below it hand on as it is."""


@dataclass(frozen=True)
class Step:
    """One command, run in `folder` below where all begins, or a remark without one."""

    arguments: tuple[str, ...] = ()
    folder: str = "."
    environment: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    @property
    def shown(self) -> str:
        """The line to read and copy: quoted for a shell, without passwords."""
        if self.remark:
            return f"# {printable(self.remark)}"
        given = [f"{name}={shlex.quote(mask_uri(value))}" for name, value in self.environment.items()]
        return printable(" ".join([*given, shlex.join(mask(part) for part in self.arguments)]))


def reproduction(registry: Registry, version: Version, root: Path) -> list[Step]:
    """The commands for a version, seen from the project at `root`; a `RegistryError` if its commit is unknown."""
    if version.tags.get("verif.git.commit", "none") == "none":
        raise RegistryError(
            f"version {version.number} was made outside a git repository; its commit is unknown."
        )
    commit = tag(version, "verif.git.commit")
    kept, params = _lineage(registry, version)
    folder = formed(PLAIN, f"reproduce-{registry.name}-{version.number}", "name of the model", version)
    out = [Step(("git", "clone", origin(root, commit), folder)), Step(("cd", folder))]
    out.append(Step(("git", "checkout", "--quiet", commit), folder))
    if "lineage/changes.patch" in kept:
        run_id = formed(r"[0-9a-f]{32}", version.run_id, "run", version)
        download = ("mlflow", "artifacts", "download", "-r", run_id, "-a", "lineage/changes.patch", "-d", ".")
        out.append(Step(download, folder, {"MLFLOW_TRACKING_URI": registry.uri}))
        out.append(Step(("git", "apply", "changes.patch"), folder))
    if left_out := version.tags.get("verif.git.left_out"):
        out.append(Step(remark=f"not in the patch, copy from where the model was made: {left_out}"))
    if withheld := version.tags.get("verif.git.withheld"):
        out.append(Step(remark=f"withheld from the patch, it looked like a secret: {withheld}"))
    recipe = tag(version, "verif.recipe.name", "local")
    out.append(Step(("make", "run", f"RECIPE={recipe}", *_data(params, root, version)), folder))
    wanted = tag(version, MODEL_DIGEST)
    out.append(Step(("verif", "reproduce", "--compare", wanted, "models/trained"), folder))
    return out


def run(steps: Sequence[Step], folder: Path) -> int:
    """Run the commands in a folder; the exit code of the first that fails, else 0."""
    tools = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    for step in steps:
        if not step.arguments or step.arguments[0] == "cd":
            continue
        place, env = folder / step.folder, tools | dict(step.environment)
        code = subprocess.run(step.arguments, cwd=place, env=env, check=False).returncode
        if code:
            return code
    return 0


def tag(version: Version, name: str, default: str = "") -> str:
    """A version's tag, which must have its form."""
    return formed(FORMS[name], version.tags.get(name, default), f"tag {name}", version)


def formed(form: str, value: str, what: str, version: Version) -> str:
    """The value, if it has this form; else a `RegistryError`."""
    if not re.fullmatch(form, value, re.ASCII if what != "data" else 0):
        raise RegistryError(
            f"version {version.number}: its {what} is {printable(value)[:200]!r}, which is passed to no command.",
            "Somebody else wrote it: `verif` writes commits, names, digests and paths of plain characters.",
        )
    return value


def origin(root: Path, commit: str) -> str:
    """Where to clone from: the remote if it has the commit, else this working directory."""
    pushed = ask(root, "branch", "--remotes", "--contains", commit).text
    remote = ask(root, "remote", "get-url", "origin").text if pushed else ""
    return remote if remote and not remote.startswith("-") else str(root)


def _lineage(registry: Registry, version: Version) -> tuple[list[str], str]:
    """The files kept with the version, and its params.yaml."""
    with mlflow_errors("reading the lineage", registry.uri):
        kept = [f.path for f in registry.mlflow.list_artifacts(version.run_id, "lineage")]
        if "lineage/params.yaml" not in kept:
            return kept, ""
        path = registry.mlflow.download_artifacts(version.run_id, "lineage/params.yaml")
    return kept, Path(path).read_text("utf-8")


def _data(params: str, root: Path, version: Version) -> list[str]:
    """The data argument of `make run`: none for the local world."""
    parameters = yaml.safe_load(params) if params else None
    value = str(parameters.get("data", "")) if isinstance(parameters, dict) else ""
    if value in ("", WORLD, SUMS):
        return []
    formed(DATA, value, "data", version)
    in_repository = ask(root, "ls-files", "--", value).text
    return [f"DATA={formed(DATA, value if in_repository else str(root / value), 'data', version)}"]
