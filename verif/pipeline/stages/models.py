"""What the stages `policy` and `judge` share: a folder of a model that is new, pinned, and has its tokenizer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from verif.errors import InputError, RecipeError, SetupError
from verif.system.files import digest_tree, new_directory
from verif.recipe import HubModel

MARGIN_MB = 200  # free disk that a tiny model needs with room to spare
WANTED = ["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"]


def require_space(folder: Path, megabytes: int = MARGIN_MB) -> None:
    """Refuse to start what could not be written; a disk that fills later still leaves the old model whole."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free // 2**20
    if free < megabytes:
        raise SetupError(
            f"{folder}: {free} MB of disk are free, {megabytes} MB are needed.", "Free some space."
        )


def check_folder(folder: Path) -> None:
    """A model folder must hold a configuration, weights and a tokenizer."""
    if not (folder / "config.json").is_file():
        raise InputError("no config.json: this is not a model folder.", file=folder)
    if not any(folder.glob("*.safetensors")):
        raise InputError("no *.safetensors: the weights are missing.", file=folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise InputError(
            "a model directory without a tokenizer.", file=folder, hint="Save the tokenizer beside the model."
        )


def fetch(section: HubModel, out: Path, role: str) -> str:
    """Copy a pinned hub model to `out` and return its digest.

    A repository without revision or digest is refused (what moves cannot be reproduced); so are other bytes
    than the recipe's digest names.
    """
    if not section.revision or not section.digest:
        raise RecipeError(
            f"{role}: {section.repo} is not pinned: revision and digest are missing in the recipe.",
            "Run `verif recipe pin`.",
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    try:
        found = snapshot_download(
            section.repo, revision=section.revision, allow_patterns=WANTED, local_files_only=offline
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise SetupError(
            f"{role}: {section.repo}@{section.revision} is neither in the local cache nor reachable "
            f"({type(error).__name__}).",
            "Download it on a machine with network, or set HF_HOME to a cache that holds it.",
        ) from None
    with new_directory(out) as folder:
        shutil.copytree(found, folder, dirs_exist_ok=True, symlinks=False)
        check_folder(folder)
        got = digest_tree(folder)
        if got != section.digest:
            raise InputError(
                f"{section.repo}@{section.revision} has digest {got}, the recipe pins {section.digest}.",
                file=found, hint="The files are damaged or not the ones that were pinned.",
            )  # fmt: skip
    return got


def training_threads() -> int:
    """Threads for training a tiny model: two, bound to a core each (call it before torch is imported).

    Threads that spin while they wait, on a core that they share, are six times slower than one thread.
    """
    os.environ.setdefault("OMP_PROC_BIND", "true")
    return min(2, os.cpu_count() or 1)
