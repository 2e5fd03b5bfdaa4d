"""MLflow: where it is, a client that gives up in time, and the recipe's experiment.

Without `MLFLOW_TRACKING_URI` a SQLite store under `.verif/mlflow` is used, without a server. The client's
own retries hang for minutes on a dead server, so they are cut: an unreachable MLflow is a `RegistryError`
within seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from verif.errors import RegistryError, VerifError
from verif.system import local_services
from verif.system.disclosure.masking import mask, mask_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a bar a file, also where nobody sees it
}
_OURS = "verif.experiment"
"""The experiment's tag that stays when somebody renames it."""


def uri(root: Path) -> str:
    """The tracking URI: the environment's, or the project's own SQLite file (its folder is made)."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    if given:
        return given
    (root / ".verif" / "mlflow").mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{root / '.verif' / 'mlflow' / 'mlflow.db'}"


def experiment_name(stage: Stage) -> str:
    """One experiment per recipe."""
    return f"verif-{stage.recipe.name}"


@contextmanager
def mlflow_errors(doing: str, where: str) -> Iterator[None]:
    """Whatever MLflow, its HTTP client or its database raises becomes one `RegistryError`."""
    try:
        yield
    except (VerifError, AssertionError, TypeError, AttributeError, KeyboardInterrupt):
        raise
    except Exception as error:
        if not type(error).__module__.startswith(
            ("mlflow", "requests", "urllib3", "sqlalchemy", "botocore", "boto3")
        ) and (not isinstance(error, OSError)):
            raise
        cause = str(error).strip().splitlines() or [type(error).__name__]
        raise RegistryError(
            f"MLflow at {mask_uri(where)} failed while {doing}: {mask(cause[0], [where])[:300]}",
            "Check that it runs and that MLFLOW_TRACKING_URI names it; then run the same command again.",
        ) from error


def client(root: Path) -> MlflowClient:
    """A client of tracking store and registry, with short limits; an unreachable one is a `RegistryError`."""
    for name, value in _LIMITS.items():
        os.environ.setdefault(name, value)
    import logging

    local_services.adopt(root)
    where = uri(root)
    for noisy in ("alembic", "mlflow.store.db.utils", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with mlflow_errors("connecting", where):
        from mlflow import MlflowClient

        made = MlflowClient(tracking_uri=where, registry_uri=where)
        made.search_experiments(max_results=1)
    return made


def _about(stage: Stage) -> dict[str, str]:
    """The note on the experiment's page, and the kind that makes the page open on its training runs."""
    recipe = stage.recipe
    said = (
        f"Recipe `{recipe.name}`: {recipe.description or 'instruction following from verified rewards'}.\n\n"
        "A run at the top level is one execution, called by its gain once it has one. "
        "Its metrics are the headline (before, after, gain with its interval; "
        "shares of prompts followed in full), its parameters what people compare. Below it is a run per stage. "
        "Sort by `gain`, or select two runs and press Compare."
    )
    kind = "custom_model_development"
    return {"mlflow.note.content": said, "mlflow.experimentKind": kind, _OURS: experiment_name(stage)}


def experiment(mlflow: MlflowClient, stage: Stage) -> str:
    """The id of the recipe's experiment, made on first use; local artifacts go to `.verif/mlflow/artifacts`.

    Deleted by hand it is restored; renamed by hand it is left alone and a new one is made. Both are said.
    """
    name = experiment_name(stage)
    with mlflow_errors("making the experiment", mlflow.tracking_uri):
        existing = mlflow.get_experiment_by_name(name)
        if existing is not None:
            if existing.lifecycle_stage != "active":  # deleted in MLflow's page: its runs come back with it
                mlflow.restore_experiment(existing.experiment_id)
                print(f"Experiment {name} had been deleted in MLflow; it is restored.", flush=True)
            return str(existing.experiment_id)
        for renamed in mlflow.search_experiments(filter_string=f"tags.`{_OURS}` = '{name}'"):
            moved = f"Experiment {name} was renamed to {renamed.name} in MLflow"
            print(f"{moved}: its runs stay there, and a new {name} begins.", flush=True)
        location = None
        if mlflow.tracking_uri.startswith("sqlite:"):
            location = (stage.state / "mlflow" / "artifacts" / name).resolve().as_uri()
        try:
            return str(mlflow.create_experiment(name, artifact_location=location, tags=_about(stage)))
        except Exception:
            again = mlflow.get_experiment_by_name(name)  # another stage was faster
            if again is None:
                raise
            return str(again.experiment_id)
