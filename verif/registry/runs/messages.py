"""What a stage tells MLflow, as messages: delivered at once, or kept as JSON and delivered later."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from verif.errors import RegistryError
from verif.registry.runs.mlflow import mlflow_errors
from verif.system.disclosure.masking import mask_uri
from verif.system.disclosure.names import denied_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOOPBACK = ("127.0.0.1", "localhost", "::1")
BATCH = 1000
"""Metrics that one call takes."""


def deliver(mlflow: MlflowClient, run_id: str, operation: str, arguments: dict[str, Any]) -> None:
    """One message; whatever goes wrong is a `RegistryError`."""
    with mlflow_errors(_DOING[operation], mlflow.tracking_uri):
        _HANDLERS[operation](mlflow, run_id, arguments)


def _metrics(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    from mlflow.entities import Metric

    entities = [
        Metric(name, value, arguments["at"], arguments["step"]) for name, value in arguments["values"].items()
    ]
    for start in range(0, len(entities), BATCH):
        mlflow.log_batch(run_id, metrics=entities[start : start + BATCH])


def _params(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    from mlflow.entities import Param

    mlflow.log_batch(run_id, params=[Param(name, value) for name, value in arguments["values"].items()])


def _tags(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    for name, value in arguments["values"].items():
        mlflow.set_tag(run_id, name, value)


def _datasets(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    from mlflow.entities import Dataset, DatasetInput

    inputs = [
        DatasetInput(Dataset(name, digest, "local", path), []) for name, digest, path in arguments["splits"]
    ]
    mlflow.log_inputs(run_id, inputs)


def _table(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    mlflow.log_table(run_id, arguments["columns"], arguments["file"])


def _artifact(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    path, folder = Path(arguments["path"]), arguments["folder"]
    _require_access(mlflow, run_id)
    denied = _denied(path)
    if path.is_dir() and denied:
        print(f"not uploaded for their names: {', '.join(str(p) for p in sorted(denied))}")
        for file in sorted(p for p in path.rglob("*") if p.is_file() and p not in denied):
            place = PurePosixPath(folder or path.name, file.parent.relative_to(path).as_posix())
            mlflow.log_artifact(run_id, str(file), str(place))
    elif path.is_dir():
        mlflow.log_artifacts(run_id, str(path), folder or path.name)
    elif denied:
        print(f"not uploaded for its name: {path}")
    else:
        mlflow.log_artifact(run_id, str(path), folder or None)


def _require_access(mlflow: MlflowClient, run_id: str) -> None:
    """A server elsewhere that names a folder of its own disk: files "uploaded" there would stay on this machine."""
    server = urlsplit(mlflow.tracking_uri)
    if server.scheme not in ("http", "https") or server.hostname in LOOPBACK:
        return
    place = mlflow.get_run(run_id).info.artifact_uri
    if urlsplit(place).scheme in ("", "file"):
        raise RegistryError(
            f"MLflow at {mask_uri(mlflow.tracking_uri)} keeps files in a folder of its own ({place}), which nobody can "
            "write to from here.",
            "Give the server an artifacts destination (docs/operations.md), and make a new experiment: the old one "
            "keeps its place.",
        )


def _end(mlflow: MlflowClient, run_id: str, arguments: dict[str, Any]) -> None:
    mlflow.set_terminated(run_id, arguments["status"], arguments["at"])


def _denied(path: Path) -> set[Path]:
    files = [path] if path.is_file() else path.rglob("*")
    return {f for f in files if f.is_file() and denied_name(f.relative_to(path.parent).as_posix())}


_HANDLERS = {
    "metrics": _metrics, "params": _params, "tags": _tags, "datasets": _datasets, "table": _table,
    "artifact": _artifact, "end": _end,
}  # fmt: skip
_DOING = {
    "metrics": "logging metrics", "params": "logging parameters", "tags": "setting tags",
    "datasets": "logging datasets", "table": "logging a table", "artifact": "uploading a file", "end": "ending the run",
}  # fmt: skip
