"""What a stage may tell a tracker about its run. MLflow's is `verif.registry.runs.stage_run.StageRun`.

A stage is handed its record by `verif stage`; where nothing tracks (a test, a bare environment) it is `SILENT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Record(Protocol):
    """One stage's entry. `run_id` and `uri` let another process write into it; both are empty where nothing tracks."""

    @property
    def run_id(self) -> str:
        """The entry's own name in the tracker."""
        ...

    @property
    def uri(self) -> str:
        """Where the tracker is."""
        ...

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers."""
        ...

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings."""
        ...

    def datasets(self, splits: Mapping[str, Path]) -> None:
        """Log what the stage reads, by digest."""
        ...

    def artifact(self, path: Path, folder: str = "") -> None:
        """Keep a file, or a folder's files."""
        ...


class _Silent:
    run_id = uri = ""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Nothing listens."""

    def params(self, values: Mapping[str, Any]) -> None:
        """Nothing listens."""

    def datasets(self, splits: Mapping[str, Path]) -> None:
        """Nothing listens."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Nothing listens."""


SILENT: Record = _Silent()
