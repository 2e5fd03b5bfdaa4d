"""Where a model comes from, as flat tags: enough to make it again, and to see when something differs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from verif.system.files import digest

if TYPE_CHECKING:
    from verif.project import Stage

MAX_NEW = 10_000_000
"""Bytes up to which a file that was never added travels in the patch; a larger one is named in a tag."""
_LIBRARIES = ("verif", "torch", "transformers", "verl", "vllm", "ray", "mlflow", "dvc", "pydantic-monty")


def lineage(stage: Stage) -> dict[str, str]:
    """Git commit and cleanliness, dvc.lock, recipe, data, verifier, seeds, library versions and hardware."""
    root = stage.root
    seeds = stage.recipe
    tags = {
        "git.commit": git(root, "rev-parse", "HEAD") or "none",
        "git.dirty": str(is_dirty(root)).lower(),
        "params": file_digest(root / "params.yaml"),
        "recipe.name": stage.recipe.name,
        "recipe.digest": digest(stage.recipe.model_dump(mode="json", by_alias=True)),
        "seeds": f"recipe={seeds.seed} train={seeds.train.seed} evaluate={seeds.evaluate.seed}",
        "hardware": hardware(),
        "python": platform.python_version(),
    }
    if large := [str(path) for path in untracked(root) if not _fits(root / path)]:
        tags["git.left_out"] = ", ".join(large)[:1000]
    return (
        {f"verif.{name}": value for name, value in tags.items()}
        | produced(stage)
        | {f"verif.lib.{name}": version for name in _LIBRARIES if (version := _version(name))}
    )


def produced(stage: Stage) -> dict[str, str]:
    """The tags that a run itself changes: what its stages have made by now."""
    return {
        "verif.dvc.lock": file_digest(stage.root / "dvc.lock"),
        "verif.data.digest": data_digest(stage),
        "verif.service.build.identity": verifier_identity(stage),
    }


def is_dirty(root: Path) -> bool:
    """Whether the working tree differs from its commit, in a file that nobody has added yet, too."""
    return bool(git(root, "status", "--porcelain", "--untracked-files=no") or untracked(root))


def untracked(root: Path) -> list[Path]:
    """Files that are neither in the repository nor ignored. dvc.lock is always one (it is kept by itself)."""
    found = git(root, "ls-files", "--others", "--exclude-standard", "-z", whole=True).split("\0")
    return [Path(name) for name in found if name and not name.endswith("/") and name != "dvc.lock"]


def changes(root: Path) -> str:
    """The patch from the commit to the working tree, new files up to `MAX_NEW` included; the index is left alone."""
    new = [path for path in untracked(root) if _fits(root / path)]
    if not new:
        return git(root, "diff", "HEAD", "--binary", whole=True)
    with tempfile.TemporaryDirectory(prefix="verif-") as name:
        index, own = Path(name) / "index", root / git(root, "rev-parse", "--git-path", "index")
        if own.is_file():
            shutil.copyfile(own, index)
        names = Path(name) / "new"
        names.write_bytes(b"\0".join(os.fsencode(path) for path in new))
        env = {"GIT_INDEX_FILE": str(index)}
        listed = f"--pathspec-from-file={names}"
        git(root, "--literal-pathspecs", "add", "--intent-to-add", listed, "--pathspec-file-nul", env=env)
        return git(root, "diff", "HEAD", "--binary", whole=True, env=env)


def _fits(path: Path) -> bool:
    return path.is_symlink() or (path.is_file() and path.stat().st_size <= MAX_NEW)


def git(root: Path, *arguments: str, whole: bool = False, env: Mapping[str, str] | None = None) -> str:
    """A git answer, or an empty string outside a repository. `whole` keeps blanks at its ends, as a patch needs.

    Bytes that are not UTF-8 come as lone surrogates (`surrogateescape`).
    """
    line, variables = ["git", *arguments], {**os.environ, **(env or {})}
    try:
        done = subprocess.run(line, cwd=root, env=variables, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode:
        return ""
    said = done.stdout.decode("utf-8", "surrogateescape")
    return said if whole else said.strip()


def file_digest(path: Path) -> str:
    """Digest of a file's bytes, or `none`."""
    return digest(path.read_bytes()) if path.is_file() else "none"


def data_digest(stage: Stage) -> str:
    """One digest over the prepared splits."""
    splits = sorted(stage.data.glob("*.parquet")) if stage.data.is_dir() else []
    return digest([[path.name, file_digest(path)] for path in splits]) if splits else "none"


def verifier_identity(stage: Stage) -> str:
    """The audited verifier's identity, or `none` before the audit."""
    try:
        return str(orjson.loads((stage.models / "verifier" / "identity.json").read_bytes())["identity"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return "none"


def hardware() -> str:
    """Processor, cores and accelerators in one line."""
    name = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    gpus = [path.name for path in Path("/proc/driver/nvidia/gpus").glob("*")]
    return f"{name}, {os.cpu_count()} cores" + (f", {len(gpus)} GPUs" if gpus else "")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
