"""The evidence for a model: what was measured of it, as files beside its version."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from verif.errors import InputError, RegistryError
from verif.evaluation import verdicts
from verif.evaluation.case import VerdictRow
from verif.registry.runs.mlflow import mlflow_errors
from verif.registry.store import Registry, Version
from verif.system.files import digest

FOLDER = "evidence"
FILES = {
    "evaluation.json": "reports/evaluation.json",
    "verdicts.parquet": "reports/evaluation/verdicts.parquet",
    "verifier.json": "reports/verifier.json",
    "identity.json": "models/verifier/identity.json",
}


@dataclass(frozen=True)
class Evidence:
    """Numbers of the evaluation, the verifier's audit and its fitness, and the kept verdicts."""

    evaluation: dict[str, Any]
    verifier: dict[str, Any]
    fitness: dict[str, Any]
    rows: tuple[VerdictRow, ...]

    @property
    def digest(self) -> str:
        """Of what was found, without times."""
        return digest([self.evaluation, self.fitness])


def read_evidence(places: dict[str, Path]) -> Evidence:
    """Evidence from files; a missing or unreadable one is an `InputError`."""
    return Evidence(
        _json(places["evaluation.json"]), _json(places["verifier.json"]), _json(places["identity.json"]),
        tuple(verdicts.read(places["verdicts.parquet"])),
    )  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=path, hint="Run `dvc repro evaluate`.") from None
    if not isinstance(content, dict):
        raise InputError("must hold a JSON object", file=path)
    return content


def local_places(root: Path) -> dict[str, Path]:
    """Where the pipeline of a working directory left its evidence."""
    return {name: root / place for name, place in FILES.items()}


@contextmanager
def downloaded(registry: Registry, version: Version, folder: str = FOLDER) -> Iterator[Path]:
    """A version's files, for the length of the block; `RegistryError` if they are gone."""
    with tempfile.TemporaryDirectory(prefix="verif-") as name:
        with mlflow_errors(f"fetching {folder} of version {version.number}", registry.uri):
            fetched = Path(registry.mlflow.download_artifacts(version.run_id, folder, name))
        if not fetched.is_dir():
            raise RegistryError(
                f"version {version.number} of {registry.name} has no {folder}.", "Register it again."
            )
        yield fetched


def of_version(registry: Registry, version: Version) -> Evidence:
    """The evidence kept with a registered version."""
    with downloaded(registry, version) as folder:
        return read_evidence({name: folder / name for name in FILES})
