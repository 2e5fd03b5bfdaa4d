"""One MLflow run per pipeline execution: begun, remembered between processes, closed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from verif.registry.headline import read
from verif.registry.runs.mlflow import client, experiment, mlflow_errors
from verif.registry.sentences import table, title
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
    show_headline(stage, mlflow, record["run_id"])
    with mlflow_errors("closing the run", mlflow.tracking_uri):
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
        mlflow.log_batch(run.info.run_id, params=_params(compared(stage)))
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
        record = orjson.loads(_record(stage).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return record if isinstance(record, dict) and "run_id" in record else {}


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


def compared(stage: Stage) -> dict[str, Any]:
    """The dozen settings that people compare runs by; the whole recipe is in the stages' runs and in the lineage."""
    recipe, train = stage.recipe, stage.recipe.train
    return {
        "recipe": recipe.name, "seed": recipe.seed, "algorithm": train.algorithm, "policy": _source(recipe.policy),
        "judge": _source(recipe.judge), "data": _source(recipe.data), "formula": recipe.verifier.formula,
        "steps": train.steps, "learning_rate": train.learning_rate, "prompts_per_step": train.prompts_per_step,
        "rollouts_per_prompt": train.rollouts_per_prompt, "kl_coefficient": train.kl_coefficient,
        **({} if train.sync_every == 1 else {"sync_every": train.sync_every}),
    }  # fmt: skip


def _source(section: Any) -> str:
    """Where a model or data come from: the repository of a hub, or the kind."""
    return str(getattr(section, "repo", "") or section.kind)


def _params(values: Mapping[str, Any]) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, mask(str(value))[:500]) for name, value in values.items()]


def show_in_execution(stage: Stage) -> None:
    """The headline on the run of this execution: a bare `dvc repro` closes none, so `register` shows it."""
    mlflow = client(stage.root)
    show_headline(stage, mlflow, parent_run(stage, mlflow))


def show_headline(stage: Stage, mlflow: MlflowClient, run_id: str) -> None:
    """The headline as the pipeline run's metrics, note and name, once there is one."""
    from mlflow.entities import Metric

    headline = read(stage.root)
    if headline is None:
        return
    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in headline.numbers().items()]
    with mlflow_errors("logging the headline", mlflow.tracking_uri):
        mlflow.log_batch(run_id, metrics=metrics)
        mlflow.set_tag(run_id, "mlflow.note.content", "\n".join(table(headline)))
        mlflow.update_run(run_id, name=title(headline))
