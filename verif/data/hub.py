"""What a recipe takes from a hub: a pinned model or a pinned file, and no other bytes than the pinned ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from verif.errors import InputError, RecipeError, SetupError
from verif.recipe import HubModel
from verif.system.files import digest, digest_tree, new_directory

WANTED = ["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"]
PICKLED = "holds pickled weights, which run code when they are loaded"
RUNS = {
    **dict.fromkeys((".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"), PICKLED),
    ".py": "is code of the model's repository",
}
NEVER = "Only safetensors are loaded: convert the weights (`save_pretrained`), and leave the rest out."


def check_folder(folder: Path) -> None:
    """A model folder must hold a configuration, weights and a tokenizer, and nothing that runs when it is loaded."""
    if not (folder / "config.json").is_file():
        raise InputError("no config.json: this is not a model folder.", file=folder)
    for path in sorted(path for path in folder.rglob("*") if path.suffix in RUNS):
        raise InputError(f"{path.relative_to(folder)} {RUNS[path.suffix]}.", file=folder, hint=NEVER)
    weights = [path.name for path in folder.glob("*.safetensors")]
    if not weights:
        raise InputError("no *.safetensors: the weights are missing.", file=folder, hint=NEVER)
    for index in folder.glob("*.index.json"):
        named = _json(index).get("weight_map")
        wrong = (
            sorted(set(map(str, named.values())) - set(weights)) if isinstance(named, dict) else ["nothing"]
        )
        if wrong:
            raise InputError(
                f"{index.name} names {wrong[0]!r}, which is no *.safetensors in this folder.", file=folder
            )
    _refuse_remote_code(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise InputError(
            "a model directory without a tokenizer.", file=folder, hint="Save the tokenizer beside the model."
        )


def _refuse_remote_code(folder: Path) -> None:
    """A model that transformers knows is loaded by transformers' own code, whatever else its repository offers."""
    config = _json(folder / "config.json")
    if "auto_map" not in config:
        return
    from transformers import CONFIG_MAPPING

    if config.get("model_type") not in CONFIG_MAPPING:
        raise InputError(
            f"the model (model_type {config.get('model_type')!r}) needs code of its own repository (auto_map).",
            file=folder,
            hint="Code of a model repository is never run: take a model that transformers knows.",
        )


def _unwanted(folder: str, names: list[str]) -> list[str]:
    """What of a folder is not copied (for `shutil.copytree`)."""
    return [
        name
        for name in names
        if not (Path(folder) / name).is_dir() and not any(fnmatch(name, pattern) for pattern in WANTED)
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise InputError("this is not JSON.", file=path) from None
    if not isinstance(content, dict):
        raise InputError("this is not a JSON object.", file=path)
    return content


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
        local = snapshot_download(
            section.repo, revision=section.revision, allow_patterns=WANTED, local_files_only=offline
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise SetupError(
            f"{role}: {section.repo}@{section.revision} is neither in the local cache nor reachable "
            f"({type(error).__name__}).",
            "Download it on a machine with network, or set HF_HOME to a cache that holds it.",
        ) from None
    with new_directory(out) as folder:
        # only what was asked for: the local cache may hold more of this repository
        shutil.copytree(local, folder, dirs_exist_ok=True, symlinks=False, ignore=_unwanted)
        check_folder(folder)
        got = digest_tree(folder)
        if got != section.digest:
            raise InputError(
                f"{section.repo}@{section.revision} has digest {got}, the recipe pins {section.digest}.",
                file=local, hint="The files are damaged or not the ones that were pinned.",
            )  # fmt: skip
    return got


def fetch_file(what: str, path: str, repo: str, revision: str, wanted: str) -> Path:
    """The file in the local hub cache; another digest than the pinned one is refused."""
    if not (path and revision and wanted):
        raise RecipeError(
            f"{what}: {repo} needs the file's `path`, a revision and a digest.",
            "Name the file, then run `verif recipe pin`.",
        )
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    try:
        local = Path(hf_hub_download(repo, path, repo_type="dataset", revision=revision))
    except (HfHubHTTPError, EntryNotFoundError, OSError, ValueError) as error:
        raise SetupError(
            f"{what}: {repo}@{revision} is neither in the local cache nor reachable "
            f"({type(error).__name__}).",
            "Download it on a machine with network, or set HF_HOME to a cache that holds it.",
        ) from None
    got = digest([[path, hashlib.sha256(local.read_bytes()).hexdigest()]])
    if got != wanted:
        raise InputError(
            f"{path} of {repo}@{revision} has digest {got}, the recipe pins {wanted}.", file=local
        )
    return local
