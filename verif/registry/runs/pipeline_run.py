"""One MLflow run per pipeline execution: begun, remembered between processes, closed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from verif.registry.runs.mlflow import client, experiment, mlflow_errors
from verif.system.disclosure.masking import mask, mask_uri, mask_values
from verif.system.files import write_json
from verif.system.processes import started

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

PARENT_VARIABLE = "VERIF_PARENT_RUN"


def _record(stage: Stage) -> Path:
    return stage.state / "mlflow" / "run.json"


def start_run(stage: Stage, tags: Mapping[str, str] | None = None) -> str:
    """Begin one pipeline execution's parent run and remember it; returns its id. For the `run` command."""
    return _start(client(stage.root), stage, "pipeline", tags or {})


def end_run(stage: Stage, status: str = "FINISHED") -> None:
    """Close the remembered parent run (status FINISHED, FAILED or KILLED); nothing to close is fine.

    Its tags then name what the run has made: at its start that was not there, or was the last run's.
    """
    from verif.registry.runs.lineage import produced

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
    if mine and record.get("uri") == mask_uri(mlflow.tracking_uri) and _exists(mlflow, str(record["run_id"])):
        return str(record["run_id"])
    return _start(mlflow, stage, _owner(), {})


def _start(mlflow: MlflowClient, stage: Stage, owner: str, tags: Mapping[str, str]) -> str:
    from verif.registry.runs.lineage import lineage

    where = experiment(mlflow, stage)
    with mlflow_errors("starting a run", mlflow.tracking_uri):
        run = mlflow.create_run(
            where,
            tags={**lineage(stage), **mask_values(dict(tags))},
            run_name=f"{stage.recipe.name}-pipeline",
        )
        recipe = stage.recipe.model_dump(mode="json", by_alias=True)
        mlflow.log_batch(run.info.run_id, params=_params(recipe))
    record = {
        "run_id": run.info.run_id,
        "owner": owner,
        "open": owner == "pipeline",
        "uri": mask_uri(mlflow.tracking_uri),
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


def _exists(mlflow: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    with mlflow_errors("looking up the run", mlflow.tracking_uri):
        try:
            return bool(mlflow.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise


def _params(recipe: dict[str, Any], prefix: str = "") -> list[Any]:
    """The recipe's values as MLflow parameters with dotted names; at most the hundred that one call takes."""
    from mlflow.entities import Param

    out: list[Any] = []
    for key, value in recipe.items():
        if isinstance(value, dict):
            out += _params(value, f"{prefix}{key}.")
        else:
            out.append(Param(f"{prefix}{key}", mask(str(value))[:500]))
    return out[:100]
