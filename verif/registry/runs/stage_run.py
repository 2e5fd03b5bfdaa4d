"""One nested MLflow run per stage: its metrics, parameters, datasets and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from verif.registry.runs.mlflow import client, experiment, mlflow_errors
from verif.registry.runs.pipeline_run import parent_run
from verif.system.disclosure.masking import mask
from verif.system.disclosure.names import denied_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

_PARENT_TAG = "mlflow.parentRunId"


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
                self.mlflow.log_param(self.run_id, _name(name), mask(str(value))[:6000])

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        with mlflow_errors("setting tags", self.uri):
            for name, value in values.items():
                self.mlflow.set_tag(self.run_id, name, mask(value))

    def datasets(self, splits: Mapping[str, Path]) -> None:
        """Log prepared splits as the run's inputs, by digest."""
        from mlflow.entities import Dataset, DatasetInput

        from verif.registry.runs.lineage import file_digest

        found = [
            DatasetInput(Dataset(name, file_digest(path), "local", path.as_posix()), [])
            for name, path in splits.items()
            if path.is_file()
        ]
        with mlflow_errors("logging datasets", self.uri):
            self.mlflow.log_inputs(self.run_id, found)

    def artifact(self, path: Path, folder: str = "") -> None:
        """Upload a file, or a folder's files; what is named like a secret stays here."""
        denied = _denied(path)
        with mlflow_errors(f"uploading {path.name}", self.uri):
            if path.is_dir() and denied:
                self._each(path, folder or path.name, denied)
            elif path.is_dir():
                self.mlflow.log_artifacts(self.run_id, str(path), folder or path.name)
            elif denied:
                print(f"not uploaded for its name: {path}")
            else:
                self.mlflow.log_artifact(self.run_id, str(path), folder or None)

    def _each(self, path: Path, folder: str, denied: set[Path]) -> None:
        print(f"not uploaded for their names: {', '.join(str(p) for p in sorted(denied))}")
        for file in sorted(p for p in path.rglob("*") if p.is_file() and p not in denied):
            place = PurePosixPath(folder, file.parent.relative_to(path).as_posix())
            self.mlflow.log_artifact(self.run_id, str(file), str(place))


_open: dict[str, StageRun] = {}


def _denied(path: Path) -> set[Path]:
    files = [path] if path.is_file() else path.rglob("*")
    return {f for f in files if f.is_file() and denied_name(f.relative_to(path.parent).as_posix())}


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


def _name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)[:250]
