"""Files that stand in a Python package of the index: a model, a benchmark's rows. Pinned by version and SHA-256.

`scripts/packages.sh` installs a package by its own lock, and only where a recipe asks for it. Code of such a package is
never imported here: its version is read from its metadata, its file as bytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from verif.errors import InputError, RecipeError, SetupError

FOLDER = "VERIF_PACKAGES"
"""Where `scripts/packages.sh` puts packages; `.packages` of the project without it."""


def places(root: Path, distribution: str) -> list[str]:
    """Folders in which a package may be installed: its own first, then this interpreter's."""
    return [str(Path(os.environ.get(FOLDER) or root / ".packages") / distribution), *sys.path]


def packaged(distribution: str, version: str, root: Path) -> Distribution:
    """The installed package; `SetupError` if it is absent or another version."""
    hint = f"Run `scripts/packages.sh {distribution}`; `make run` does it for its recipe."
    installed = next(iter(distributions(name=distribution, path=places(root, distribution))), None)
    if installed is None:
        raise SetupError(f"the package {distribution} {version} is not installed.", hint)
    if installed.version != version:
        raise SetupError(
            f"{distribution} {installed.version} is installed, the recipe wants {version}.",
            hint,
        )
    return installed


def packaged_file(distribution: str, version: str, file: str, sha256: str, root: Path) -> Path:
    """A file of a package. `InputError` where it is absent or has other bytes than the recipe's SHA-256 names."""
    if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
        raise RecipeError(f"{distribution}: {file!r} is no path inside the package.")
    path = Path(str(packaged(distribution, version, root).locate_file(file)))
    if not path.is_file():
        raise InputError(f"{distribution} {version} holds no such file.", file=path)
    with path.open("rb") as stream:
        got = hashlib.file_digest(stream, "sha256").hexdigest()
    if got != sha256:
        raise InputError(
            f"has SHA-256 {got}, the recipe names {sha256}.", file=path, field="sha256",
            hint="The package is damaged or is not the one that was pinned.",
        )  # fmt: skip
    return path
