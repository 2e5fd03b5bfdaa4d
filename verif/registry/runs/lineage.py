"""Where a model comes from, as flat tags: enough to make it again, and to see when something differs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from verif.system.disclosure.masking import mask
from verif.system.disclosure.patch import changes, named, printable, untracked
from verif.system.files import digest
from verif.system.git import ask

if TYPE_CHECKING:
    from verif.project import Stage

_LIBRARIES = ("verif", "torch", "transformers", "verl", "vllm", "ray", "mlflow", "dvc", "pydantic-monty")


def lineage(stage: Stage) -> dict[str, str]:
    """Git commit and cleanliness, dvc.lock, recipe, data, verifier, seeds, library versions and hardware."""
    root = stage.root
    seeds = stage.recipe
    tags = {
        "git.commit": ask(root, "rev-parse", "HEAD").text or "none",
        "git.dirty": str(is_dirty(root)).lower(),
        "params": file_digest(root / "params.yaml"),
        "recipe.name": stage.recipe.name,
        "recipe.digest": digest(stage.recipe.model_dump(mode="json", by_alias=True)),
        "seeds": f"recipe={seeds.seed} train={seeds.train.seed} evaluate={seeds.evaluate.seed}",
        "hardware": hardware(),
        "python": platform.python_version(),
    }
    changed = changes(root)
    if changed.left_out:
        tags["git.left_out"] = ", ".join(printable(path) for path, _ in changed.left_out)[:1000]
    if changed.withheld:
        tags["git.withheld"] = named(changed.withheld)[:1000]
    return (
        {f"verif.{name}": mask(value) for name, value in tags.items()}
        | produced(stage)
        | {f"verif.lib.{name}": version for name in _LIBRARIES if (version := _version(name))}
    )


def produced(stage: Stage) -> dict[str, str]:
    """The tags that a run itself changes: what its stages have made by now."""
    return {
        "verif.dvc.lock": file_digest(stage.root / "dvc.lock"),
        "verif.data.digest": data_digest(stage),
        "verif.service.build.identity": verifier_identity(stage),
        "verif.teachers": teachers(stage),
    }


def is_dirty(root: Path) -> bool:
    """Whether the working tree differs from its commit, in a file that nobody has added yet, too."""
    return bool(ask(root, "status", "--porcelain", "--untracked-files=no").text or untracked(root))


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


def teachers(stage: Stage) -> str:
    """The identities of all verifiers that taught, in order, each with the step after which it took over; or `none`."""
    try:
        kept = orjson.loads((stage.reports / "train.json").read_bytes())["teachers"]
        return ", ".join(f"{teacher['identity']} after step {teacher['after']}" for teacher in kept) or "none"
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
