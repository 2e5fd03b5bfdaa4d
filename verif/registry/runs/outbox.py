"""What MLflow could not be told waits here, in `.verif/mlflow/waiting/`, and is sent when it answers again.

A console that is down must not cost a training. One file per stage run, a line per message, in order; a line that was
sent is taken out of the file at once, so that an end in the middle sends nothing twice but for the line under way.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from verif.errors import RegistryError
from verif.registry.runs.messages import deliver
from verif.registry.runs.mlflow import experiment, mlflow_errors
from verif.system.files import write_bytes
from verif.system.private import private_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from verif.project import Stage

BEGIN = "begin"
"""The first line of a run that MLflow does not know yet: its name and tags."""


def folder(root: Path) -> Path:
    """Where the messages wait."""
    return root / ".verif" / "mlflow" / "waiting"


class Outbox:
    """The waiting messages of one stage run. `run_id` is empty where MLflow was not there to begin it."""

    def __init__(self, root: Path, run_id: str, begin: dict[str, Any]) -> None:
        private_folder(folder(root))
        self.path = folder(root) / f"{run_id or uuid.uuid4().hex}.jsonl"
        if not self.path.exists():
            self.add(BEGIN, {"run_id": run_id, **begin})

    def add(self, operation: str, arguments: dict[str, Any]) -> None:
        """Keep a message; artifacts are kept by their place."""
        with self.path.open("ab") as stream:
            stream.write(orjson.dumps([operation, arguments]) + b"\n")


def send(stage: Stage, mlflow: MlflowClient, parent: str = "") -> list[str]:
    """Send what waits; a line per run that was sent or that could not be. Files that are gone are said and left out."""
    said = []
    for path in sorted(folder(stage.root).glob("*.jsonl")):
        try:
            said.append(_send(stage, mlflow, path, parent))
        except RegistryError as error:
            said.append(f"{path.name} waits on: {error.message}")
    return said


def _send(stage: Stage, mlflow: MlflowClient, path: Path, parent: str) -> str:
    lines, torn = _read(path)
    if not lines or lines[0][0] != BEGIN:
        path.rename(path.with_suffix(".unreadable"))
        return f"{path.name} does not say whose it is: it is kept as {path.stem}.unreadable and not sent."
    (_, begin), *messages = lines
    run_id = begin["run_id"]
    if not run_id:
        tags = begin["tags"] | ({"mlflow.parentRunId": parent} if parent else {})
        where = experiment(mlflow, stage)
        with mlflow_errors("starting a run", mlflow.tracking_uri):
            made = mlflow.create_run(where, start_time=begin["at"], tags=tags, run_name=begin["name"])
        run_id = begin["run_id"] = made.info.run_id
        _keep(path, [[BEGIN, begin], *messages])
    kept: list[Any] = []
    gone: list[str] = []
    for number, (operation, arguments) in enumerate(messages):
        if operation == "artifact" and not Path(arguments["path"]).exists():
            gone.append(Path(arguments["path"]).name)
            continue
        try:
            deliver(mlflow, run_id, operation, arguments)
        except RegistryError:
            if operation != "artifact":
                _keep(path, [[BEGIN, begin], *kept, *messages[number:]])
                raise
            kept.append([operation, arguments])
            continue
        _keep(path, [[BEGIN, begin], *kept, *messages[number + 1 :]])
    if kept:
        raise RegistryError(f"{len(kept)} files of {begin['name']} could not be uploaded")
    path.unlink()
    lost = f" but for {', '.join(gone)}, which are gone" if gone else ""
    lost += f"; half-written lines left out: {torn}" if torn else ""
    return f"MLflow answers again: what waited of {begin['name']} was sent{lost}."


def _read(path: Path) -> tuple[list[Any], int]:
    """The messages of a file, and how many lines are none: a killed stage, or a full disk, leaves half of one."""
    lines, torn = list[Any](), 0
    for line in path.read_bytes().splitlines():
        try:
            operation, arguments = orjson.loads(line)
            lines.append([operation, arguments])
        except (ValueError, TypeError):
            torn += 1
    return lines, torn


def _keep(path: Path, lines: list[Any]) -> None:
    write_bytes(path, b"".join(orjson.dumps(line) + b"\n" for line in lines))
