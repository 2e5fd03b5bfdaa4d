"""One registered model in MLflow: versions, aliases and tags, every failure a `RegistryError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verif.errors import RegistryError
from verif.registry.runs.mlflow import client, mlflow_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

CHAMPION, CANDIDATE, CHALLENGER = "champion", "candidate", "challenger"
MODEL_DIGEST = "verif.model.digest"
TAG = 5000
"""Characters of a registered model's tag or description: MLflow's columns, which PostgreSQL enforces."""


def cut(text: str, most: int = TAG) -> str:
    """The text, or its beginning and a mark where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[: most - len(_CUT)]}{_CUT}"


_CUT = " (cut)"


@dataclass(frozen=True)
class Version:
    """A registered version: its number, run, source, tags and aliases."""

    number: str
    run_id: str
    source: str
    tags: dict[str, str]
    aliases: tuple[str, ...]
    created_ms: int


class Registry:
    """The recipe's registered model. Reads are fresh each time: other people use the registry too."""

    def __init__(self, mlflow: MlflowClient, name: str) -> None:
        self.mlflow, self.name, self.uri = mlflow, name, str(mlflow.tracking_uri)
        self.before_write: Callable[[], None] = lambda: None  # the promotion lock of a server sets it

    def _model(self) -> Any:
        from mlflow.exceptions import MlflowException

        with mlflow_errors(f"reading model {self.name}", self.uri):
            try:
                return self.mlflow.get_registered_model(self.name)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise

    def exists(self) -> bool:
        """Whether the model was ever registered here."""
        return self._model() is not None

    def make(self) -> None:
        """Make the registered model if it is missing."""
        from mlflow.exceptions import MlflowException

        if self.exists():
            return
        with mlflow_errors(f"making model {self.name}", self.uri):
            try:
                self.mlflow.create_registered_model(self.name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

    def tags(self) -> dict[str, str]:
        """The model's own tags (the ledger lives there)."""
        model = self._model()
        return dict(model.tags or {}) if model else {}

    def set_tag(self, key: str, value: str) -> None:
        """Set one tag of the model; atomic."""
        self.before_write()
        with mlflow_errors("writing to the model", self.uri):
            self.mlflow.set_registered_model_tag(self.name, key, value)

    def aliases(self) -> dict[str, str]:
        """Alias -> version number, of versions that exist: older servers leave aliases of deleted ones behind."""
        return {alias: version.number for version in self.versions() for alias in version.aliases}

    def _pointers(self) -> dict[str, str]:
        """Alias -> version number as the server has it, whether there is such a version or not."""
        model = self._model()
        return {alias: str(version) for alias, version in (model.aliases if model else {}).items()}

    def set_alias(self, alias: str, number: str) -> None:
        """Point an alias at a version."""
        self.before_write()
        with mlflow_errors(f"setting alias {alias}", self.uri):
            self.mlflow.set_registered_model_alias(self.name, alias, number)

    def drop_alias(self, alias: str) -> None:
        """Remove an alias; without one nothing happens."""
        if alias in self._pointers():
            self.before_write()
            with mlflow_errors(f"removing alias {alias}", self.uri):
                self.mlflow.delete_registered_model_alias(self.name, alias)

    def versions(self) -> list[Version]:
        """All versions, oldest first."""
        if not self.exists():
            return []
        by_version: dict[str, list[str]] = {}
        for alias, number in self._pointers().items():
            by_version.setdefault(number, []).append(alias)
        with mlflow_errors("listing versions", self.uri):
            listed = list(self.mlflow.search_model_versions(f"name='{self.name}'", max_results=10_000))
        return sorted((_version(v, by_version) for v in listed), key=lambda v: int(v.number))

    def resolve(self, which: str) -> Version:
        """A version by number or alias; a missing one names what there is."""
        versions = self.versions()
        for version in versions:
            if which == version.number or which in version.aliases:
                return version
        known = ", ".join(
            f"{v.number}{' (' + ', '.join(v.aliases) + ')' if v.aliases else ''}" for v in versions
        )
        raise RegistryError(
            f"model {self.name} has no version or alias {which!r}.", f"Registered: {known or 'nothing yet'}."
        )

    def create_version(self, source: str, run_id: str, tags: Mapping[str, str], description: str) -> Version:
        """A new version with all its tags in one call: it is never seen half-made. A long description is cut."""
        with mlflow_errors("creating a version", self.uri):
            made = self.mlflow.create_model_version(
                self.name, source, run_id=run_id, tags=dict(tags), description=cut(description)
            )
        return _version(made, {})


def _version(listed: Any, aliases: Mapping[str, list[str]]) -> Version:
    number = str(listed.version)
    return Version(
        number, str(listed.run_id or ""), str(listed.source or ""), dict(listed.tags or {}),
        tuple(sorted(aliases.get(number, ()))), int(listed.creation_timestamp or 0),
    )  # fmt: skip


def first_lines(registry: Registry, number: str) -> str:
    """The beginning of a version's description, up to its first title: the headline."""
    with mlflow_errors(f"reading version {number}", registry.uri):
        made = registry.mlflow.get_model_version(registry.name, number)
    return str(made.description or "").partition("\n# ")[0].strip()


def open_registry(stage: Stage) -> Registry:
    """The registered model of the stage's recipe."""
    return Registry(client(stage.root), stage.recipe.register_.model_name)
