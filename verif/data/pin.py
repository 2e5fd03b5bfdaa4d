"""Pinning: the revision and digest of what a recipe takes from a hub, read from the hub and written into the recipe.

The file is edited line by line, so that its comments stay. Nobody invents a revision: what the hub does not say
stays unpinned, and an unpinned recipe does not run on a cluster.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

import yaml

from verif.data.hub import WANTED
from verif.errors import RecipeError, ServiceError
from verif.recipe import FileData, Recipe, parse_recipe
from verif.system.files import digest, write_bytes

Kind = Literal["model", "dataset"]
Lookup = Callable[[str, Kind, str, str], tuple[str, str]]
"""(repository, kind, wanted revision or "", a data set's file or "") -> (commit, digest of what is taken)."""


def unpinned(recipe: Recipe) -> list[str]:
    """The places of a recipe that name a hub repository without revision and digest."""
    out = []
    rows = recipe.data
    if isinstance(rows, FileData) and rows.repo and not (rows.revision and rows.digest):
        out.append(f"data ({rows.repo})")
    for name in ("policy", "judge"):
        section = getattr(recipe, name)
        if section.kind == "hub" and not (section.revision and section.digest):
            out.append(f"{name} ({section.repo})")
    for index, benchmark in enumerate(recipe.evaluate.benchmarks):
        if benchmark.repo and not (benchmark.revision and benchmark.digest):
            out.append(f"evaluate.benchmarks.{index} ({benchmark.repo})")
    return out


def from_hub(repo: str, kind: Kind, revision: str, path: str = "") -> tuple[str, str]:
    """Ask the Hugging Face hub; `ServiceError` if it cannot be reached or does not know the repository.

    The digest is that of the files a stage takes, as `digest_tree` finds it on the disk: large files have their
    SHA-256 on the hub, small ones are downloaded (into the cache that the stage reads).
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled

    api = HfApi()
    try:
        info = api.repo_info(repo, repo_type=kind, revision=revision or None, files_metadata=True, timeout=30)
        wanted = WANTED if kind == "model" else [path or "*"]
        files = []
        for entry in getattr(info, "siblings", None) or []:
            if not any(fnmatch(entry.rfilename, pattern) for pattern in wanted):
                continue
            sha256 = entry.lfs.sha256 if entry.lfs else None
            if sha256 is None:
                file = api.hf_hub_download(repo, entry.rfilename, repo_type=kind, revision=info.sha)
                sha256 = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            files.append([entry.rfilename, sha256])
    except (
        HfHubHTTPError,
        HTTPError,
        OfflineModeIsEnabled,
        EntryNotFoundError,
        OSError,
        ValueError,
    ) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ServiceError(
            f"the hub did not answer for {repo}: {first[0][:200]}", "Nothing was pinned."
        ) from None
    if not files:
        raise ServiceError(f"{repo} holds nothing of {', '.join(wanted)}.", "Nothing was pinned.")
    return str(info.sha), digest(sorted(files, key=lambda pair: Path(pair[0])))


def pin_recipe(path: Path, *, again: bool = False, lookup: Lookup = from_hub) -> list[str]:
    """Fill in what is missing (with `again`: renew everything); returns a line per pin. Atomic."""
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.", "Give the recipe's name without .yaml.")
    text = path.read_text("utf-8")
    raw = yaml.safe_load(text)
    parse_recipe(raw, path)
    lines, said = text.splitlines(), []
    for repo, kind, entry in _entries(raw):
        if entry.get("revision") and entry.get("digest") and not again:
            continue
        wanted = "" if again else str(entry.get("revision", ""))
        path_in_repo = str(entry.get("path", "")) if kind == "dataset" else ""
        commit, files = lookup(repo, kind, wanted, path_in_repo)
        lines = _write(lines, repo, path_in_repo, {"revision": commit, "digest": files})
        said.append(f"{repo}: revision {commit}, digest {files}")
    if said:
        pinned = "\n".join(lines) + "\n"
        made = yaml.safe_load(pinned)
        parse_recipe(made, path)
        if any(not (entry.get("revision") and entry.get("digest")) for _, _, entry in _entries(made)):
            raise RecipeError(f"{path} could not be edited in place.", "Write `repo:` on a line of its own.")
        write_bytes(path, pinned.encode())
    return said


def _entries(raw: dict[str, Any]) -> list[tuple[str, Kind, dict[str, Any]]]:
    out: list[tuple[str, Kind, dict[str, Any]]] = []
    if (rows := raw.get("data") or {}).get("repo"):
        out.append((str(rows["repo"]), "dataset", rows))
    for name in ("policy", "judge"):
        section = raw.get(name) or {}
        if section.get("kind") == "hub":
            out.append((str(section["repo"]), "model", section))
    for benchmark in (raw.get("evaluate") or {}).get("benchmarks") or []:
        if benchmark.get("repo"):
            out.append((str(benchmark["repo"]), "dataset", benchmark))
    return out


def _write(lines: list[str], repo: str, path: str, values: dict[str, str]) -> list[str]:
    """Set keys in every block of `repo: REPO` (and of that `path`, if one is given), right below that line.

    All other lines stay.
    """
    here = re.compile(rf"^(\s*(?:- )?)repo:\s*[\"']?{re.escape(repo)}[\"']?\s*(#.*)?$")
    out: list[str] = []
    index = 0
    while index < len(lines):
        out.append(lines[index])
        entry = here.match(lines[index])
        index += 1
        if not entry or (path and _path_of(lines, index - 1, len(entry.group(1))) != path):
            continue
        indent = " " * len(entry.group(1))
        out += [f"{indent}{key}: {value!r}".replace("'", '"') for key, value in values.items()]
        rest = []
        while index < len(lines) and lines[index].startswith(indent) and lines[index].strip():
            if not re.match(rf"^{indent}({'|'.join(values)}):", lines[index]):
                rest.append(lines[index])
            index += 1
        out += rest
    return out


def _path_of(lines: list[str], at: int, column: int) -> str:
    """The value of `path` in the block that line `at` belongs to, whose keys stand in that column; empty without one."""
    start = at
    while start and not _begins_item(lines[start], column) and _column(lines[start - 1]) >= column:
        start -= 1
    for number, line in enumerate(lines[start:], start):
        if number > at and (_column(line) < column or _begins_item(line, column)):
            break
        if _column(line) == column and line.lstrip(" -").startswith("path:"):
            return str(yaml.safe_load(line.lstrip(" -"))["path"])
    return ""


def _begins_item(line: str, column: int) -> bool:
    return line.lstrip(" ").startswith("- ") and _column(line) == column


def _column(line: str) -> int:
    """Where the line's key begins; that of a comment or an empty line is no end of a block."""
    bare = line.lstrip(" ")
    if not bare or bare.startswith("#"):
        return len(line) + 1_000
    return len(line) - len(bare) + (2 if bare.startswith("- ") else 0)
