"""One nested MLflow run per stage: its metrics, parameters, datasets and files.

A page of a hundred numbers says nothing: of metrics and parameters the first `MOST` names are shown as such, the rest
is a table among the run's files. An MLflow that does not answer does not end a stage: the messages wait
(`verif.registry.runs.outbox`). Only `register` insists, because what it makes is in MLflow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.errors import RegistryError
from verif.registry.runs.lineage import file_digest
from verif.registry.runs.messages import deliver
from verif.registry.runs.mlflow import client, experiment, mlflow_errors
from verif.registry.runs.outbox import Outbox, send
from verif.registry.runs.pipeline_run import parent_run
from verif.system.disclosure.masking import mask

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

_PARENT_TAG = "mlflow.parentRunId"
MOST = 60
"""Names of metrics, and of parameters, that a stage's run shows."""
INSISTS = ("register",)


@dataclass
class StageRun:
    """A stage's nested run. `run_id` is empty while MLflow does not know it."""

    root: Path
    name: str
    run_id: str
    uri: str
    mlflow: MlflowClient | None
    begin: dict[str, Any]
    waits: bool = False
    box: Outbox | None = None
    shown: dict[str, set[str]] = field(default_factory=lambda: {"metrics": set(), "params": set()})
    rest: dict[str, dict[str, Any]] = field(default_factory=lambda: {"metrics": {}, "params": {}})

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log finite numbers; names keep letters, digits and `_-./ `."""
        finite = {_name(name): float(value) for name, value in values.items() if math.isfinite(value)}
        if kept := self._first("metrics", finite):
            self.tell("metrics", {"values": kept, "step": step, "at": _now()})

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, each cut at MLflow's limit."""
        texts = {_name(name): mask(str(value))[:6000] for name, value in values.items()}
        if kept := self._first("params", texts):
            self.tell("params", {"values": kept})

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        self.tell("tags", {"values": {name: mask(value) for name, value in values.items()}})

    def datasets(self, splits: Mapping[str, Path]) -> None:
        """Log prepared splits as the run's inputs, by digest."""
        here = [(n, file_digest(p), p.as_posix()) for n, p in splits.items() if p.is_file()]
        self.tell("datasets", {"splits": here})

    def artifact(self, path: Path, folder: str = "") -> None:
        """Upload a file, or a folder's files; what is named like a secret stays here."""
        self.tell("artifact", {"path": str(path.absolute()), "folder": folder})

    def table(self, file: str, columns: Mapping[str, list[Any]]) -> None:
        """Log a table, which MLflow shows among the run's files."""
        self.tell("table", {"file": file, "columns": dict(columns)})

    def end(self, status: str) -> None:
        """Log what was too much to show, and close the run."""
        for kind, rest in self.rest.items():
            if rest:
                self.table(f"more-{kind}.json", {"name": list(rest), "value": list(rest.values())})
        self.tell("end", {"status": status, "at": _now()})

    def tell(self, operation: str, arguments: dict[str, Any]) -> None:
        """Deliver a message now, or keep it; a file that cannot be uploaded keeps nothing else waiting."""
        if not self.waits and self.mlflow is not None:
            try:
                deliver(self.mlflow, self.run_id, operation, arguments)
                return
            except RegistryError as error:
                if self.name in INSISTS:
                    raise
                self.waits = operation != "artifact"
                print(f"{error.message} It waits in .verif/mlflow/waiting and is sent later.", flush=True)
        self.box = self.box or Outbox(self.root, self.run_id, self.begin)
        self.box.add(operation, arguments)

    def _first(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        kept, shown = {}, self.shown[kind]
        for name, value in values.items():
            if name in shown or len(shown) < MOST:
                shown.add(name)
                kept[name] = value
            else:
                self.rest[kind][name] = value
        return kept


_open: dict[str, StageRun] = {}


@contextmanager
def stage_run(stage: Stage, name: str) -> Iterator[StageRun]:
    """The nested run of a stage under the execution's parent run; entered twice in a process it is one run."""
    if name in _open:
        yield _open[name]
        return
    run = _open[name] = _begin(stage, name)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        del _open[name]
        try:
            run.end(status)
        except Exception:
            if status == "FINISHED":
                raise


def _begin(stage: Stage, name: str) -> StageRun:
    begin = {"name": name, "tags": {"verif.stage": name}, "at": _now()}
    try:
        mlflow = client(stage.root)
        parent = parent_run(stage, mlflow)
        for line in send(stage, mlflow, parent):
            print(line, flush=True)
        where = experiment(mlflow, stage)
        with mlflow_errors("starting a run", mlflow.tracking_uri):
            tags = {_PARENT_TAG: parent, "verif.stage": name}
            run = mlflow.create_run(where, tags=tags, run_name=name)
    except RegistryError as error:
        if name in INSISTS:
            raise
        print(f"{error.message} The stage goes on; what it has to say waits and is sent later.", flush=True)
        return StageRun(stage.root, name, "", "", None, begin, waits=True)
    return StageRun(stage.root, name, run.info.run_id, mlflow.tracking_uri, mlflow, begin)


def _now() -> int:
    return int(time.time() * 1000)


def _name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)[:250]
