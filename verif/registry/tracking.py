"""MLflow as the record of runs: where it is, one run per pipeline execution, one nested run per stage.

Without `MLFLOW_TRACKING_URI` a SQLite store under `.verif/mlflow` is used, without a server. The client's
own retries hang for minutes on a dead server, so they are cut: an unreachable MLflow is a `RegistryError`
within seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from verif.errors import RegistryError, VerifError
from verif.files import write_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.stages.context import Stage

PARENT_VARIABLE = "VERIF_PARENT_RUN"
_PARENT_TAG = "mlflow.parentRunId"
_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a bar a file, also where nobody sees it
}


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
            f"MLflow at {_without_password(where)} failed while {doing}: {_without_password(cause[0])[:300]}",
            "Check that it runs and that MLFLOW_TRACKING_URI names it; then run the same command again.",
        ) from error


def client(root: Path) -> MlflowClient:
    """A client of tracking store and registry, with short limits; an unreachable one is a `RegistryError`."""
    for name, value in _LIMITS.items():
        os.environ.setdefault(name, value)
    import logging

    where = uri(root)
    for noisy in ("alembic", "mlflow.store.db.utils", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with mlflow_errors("connecting", where):
        from mlflow import MlflowClient

        found = MlflowClient(tracking_uri=where, registry_uri=where)
        found.search_experiments(max_results=1)
    return found


def experiment(mlflow: MlflowClient, stage: Stage) -> str:
    """The id of the recipe's experiment, made on first use; local artifacts go to `.verif/mlflow/artifacts`."""
    name = experiment_name(stage)
    with mlflow_errors("making the experiment", mlflow.tracking_uri):
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None
        if mlflow.tracking_uri.startswith("sqlite:"):
            location = (stage.state / "mlflow" / "artifacts" / name).resolve().as_uri()
        try:
            return str(mlflow.create_experiment(name, artifact_location=location))
        except Exception:
            again = mlflow.get_experiment_by_name(name)  # another stage was faster
            if again is None:
                raise
            return str(again.experiment_id)


# ------------------------------------------------------------------------------------------- runs
def _record(stage: Stage) -> Path:
    return stage.state / "mlflow" / "run.json"


def start_run(stage: Stage, tags: Mapping[str, str] | None = None) -> str:
    """Begin one pipeline execution's parent run and remember it; returns its id. For the `run` command."""
    return _start(client(stage.root), stage, "pipeline", tags or {})


def end_run(stage: Stage, status: str = "FINISHED") -> None:
    """Close the remembered parent run (status FINISHED, FAILED or KILLED); nothing to close is fine.

    Its tags then name what the run has made: at its start that was not there, or was the last run's.
    """
    from verif.registry.lineage import produced

    record = _read_record(stage)
    if not record or not record.get("open"):
        return
    mlflow = client(stage.root)
    with mlflow_errors("closing the run", mlflow.tracking_uri):
        for name, value in produced(stage).items():
            mlflow.set_tag(record["run_id"], name, value)
        mlflow.set_terminated(record["run_id"], status)
    write_json(_record(stage), {**record, "open": False})


def parent_run(stage: Stage, mlflow: MlflowClient | None = None) -> str:
    """The id of this execution's parent run: `VERIF_PARENT_RUN`, the open one, or a new one.

    Without the `run` command (bare `dvc repro`) the execution is recognised by its process group.
    """
    if given := os.environ.get(PARENT_VARIABLE):
        return given
    mlflow = mlflow or client(stage.root)
    record = _read_record(stage)
    mine = record.get("open") or (record.get("owner") and record["owner"] == _owner())
    if mine and record.get("uri") == mlflow.tracking_uri and _exists(mlflow, str(record["run_id"])):
        return str(record["run_id"])
    return _start(mlflow, stage, _owner(), {})


def _start(mlflow: MlflowClient, stage: Stage, owner: str, tags: Mapping[str, str]) -> str:
    from verif.registry.lineage import lineage

    where = experiment(mlflow, stage)
    with mlflow_errors("starting a run", mlflow.tracking_uri):
        run = mlflow.create_run(
            where, tags={**lineage(stage), **tags}, run_name=f"{stage.recipe.name}-pipeline"
        )
        recipe = stage.recipe.model_dump(mode="json", by_alias=True)
        mlflow.log_batch(run.info.run_id, params=_params(recipe))
    record = {
        "run_id": run.info.run_id,
        "owner": owner,
        "open": owner == "pipeline",
        "uri": mlflow.tracking_uri,
    }
    write_json(_record(stage), record)
    return str(run.info.run_id)


def _read_record(stage: Stage) -> dict[str, Any]:
    try:
        found = orjson.loads(_record(stage).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) and "run_id" in found else {}


def _owner() -> str:
    """Names this process group and when its leader started, so that a reused id is not mistaken for it."""
    group = os.getpgid(0)
    return f"group:{group}:{started(group)}"


def started(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty if it is gone (or a zombie, or without /proc)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _exists(mlflow: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    with mlflow_errors("looking up the run", mlflow.tracking_uri):
        try:
            return bool(mlflow.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise


@dataclass(frozen=True)
class StageRun:
    """A stage's nested run. `run_id` may be handed to another process through `MLFLOW_RUN_ID`."""

    run_id: str
    experiment_id: str
    uri: str
    mlflow: MlflowClient

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log finite numbers; names keep letters, digits and `_-./ `."""
        import math
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        found = [Metric(_name(n), float(v), now, step) for n, v in values.items() if math.isfinite(v)]
        with mlflow_errors("logging metrics", self.uri):
            for start in range(0, len(found), 1000):  # as many as one call takes
                self.mlflow.log_batch(self.run_id, metrics=found[start : start + 1000])

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, each cut at MLflow's limit."""
        with mlflow_errors("logging parameters", self.uri):
            for name, value in values.items():
                self.mlflow.log_param(self.run_id, _name(name), str(value)[:6000])

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        with mlflow_errors("setting tags", self.uri):
            for name, value in values.items():
                self.mlflow.set_tag(self.run_id, name, value)

    def datasets(self, splits: Mapping[str, Path]) -> None:
        """Log prepared splits as the run's inputs, by digest."""
        from mlflow.entities import Dataset, DatasetInput

        from verif.registry.lineage import file_digest

        found = [
            DatasetInput(Dataset(name, file_digest(path), "local", path.as_posix()), [])
            for name, path in splits.items()
            if path.is_file()
        ]
        with mlflow_errors("logging datasets", self.uri):
            self.mlflow.log_inputs(self.run_id, found)

    def artifact(self, path: Path, folder: str = "") -> None:
        """Upload a file, or a folder's files."""
        with mlflow_errors(f"uploading {path.name}", self.uri):
            if path.is_dir():
                self.mlflow.log_artifacts(self.run_id, str(path), folder or path.name)
            else:
                self.mlflow.log_artifact(self.run_id, str(path), folder or None)


_open: dict[str, StageRun] = {}


@contextmanager
def stage_run(stage: Stage, name: str) -> Iterator[StageRun]:
    """The nested run of a stage under the execution's parent run; entered twice in a process it is one run."""
    if name in _open:
        yield _open[name]
        return
    mlflow = client(stage.root)
    parent = parent_run(stage, mlflow)
    where = experiment(mlflow, stage)
    with mlflow_errors("starting a run", mlflow.tracking_uri):
        tags = {_PARENT_TAG: parent, "verif.stage": name}
        run = mlflow.create_run(where, tags=tags, run_name=name)
    found = StageRun(run.info.run_id, where, mlflow.tracking_uri, mlflow)
    _open[name] = found
    status = "FAILED"
    try:
        yield found
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        del _open[name]
        try:
            mlflow.set_terminated(found.run_id, status)
        except Exception:
            if status == "FINISHED":
                raise


def _params(recipe: dict[str, Any], prefix: str = "") -> list[Any]:
    """The recipe's values as MLflow parameters with dotted names; at most the hundred that one call takes."""
    from mlflow.entities import Param

    out: list[Any] = []
    for key, value in recipe.items():
        if isinstance(value, dict):
            out += _params(value, f"{prefix}{key}.")
        else:
            out.append(Param(f"{prefix}{key}", str(value)[:500]))
    return out[:100]


def _name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)[:250]


def _without_password(where: str) -> str:
    import re

    return re.sub(r"://[^@/]*@", "://***@", where)
