"""What the stages before training leave in MLflow: a nested run each, with sections, numbers, pictures and data.

The later stages log while they work and write their own runs. These four know nothing of MLflow: what they
record is read from the files they have written. Where MLflow is not installed nothing is recorded; one that
does not answer ends the stage before it begins, as it does every other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from verif.registry.runs.stage_run import StageRun
    from verif.project import Stage


@dataclass(frozen=True)
class Record:
    """A stage's recipe sections, its file under `reports/`, and the splits it makes or reads (`*`: all)."""

    sections: tuple[str, ...]
    report: str
    data: str


RECORDS = {
    "prepare": Record(("data", "seed"), "data", "*"),
    "policy": Record(("policy", "seed"), "policy", "policy_pairs"),
    "judge": Record(("judge", "seed"), "judge", "judge_pairs"),
    "verifier": Record(("judge", "verifier", "seed"), "verifier", "golden"),
}


@contextmanager
def recorded(stage: Stage, name: str) -> Iterator[None]:
    """Wrap a stage in its nested run, if it is one of those that do not open theirs."""
    record = RECORDS.get(name)
    if record is None or find_spec("mlflow") is None:
        yield
        return
    from verif.registry.runs.stage_run import stage_run

    with stage_run(stage, name) as run:
        begun = time.monotonic()
        yield
        run.metrics({"seconds/total": time.monotonic() - begun})
        _log(run, stage, record)


def _log(run: StageRun, stage: Stage, record: Record) -> None:
    recipe = stage.recipe.model_dump(mode="json", by_alias=True)
    run.params(_leaves({section: recipe[section] for section in record.sections}, "."))
    run.datasets({path.stem: path for path in sorted(stage.data.glob(f"{record.data}.parquet"))})
    report = stage.reports / f"{record.report}.json"
    if report.is_file():
        run.metrics(numbers(orjson.loads(report.read_bytes())))
        run.artifact(report)
    if (stage.reports / record.report).is_dir():
        run.artifact(stage.reports / record.report)


def numbers(value: Any) -> dict[str, float]:
    """Nested numbers by their path, as MLflow metrics; a truth value is 0 or 1."""
    return {
        path: float(found) for path, found in _leaves(value, "/").items() if isinstance(found, int | float)
    }


def _leaves(value: Any, between: str, name: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {name: value}
    out: dict[str, Any] = {}
    for key, item in value.items():
        out |= _leaves(item, between, f"{name}{between}{key}" if name else str(key))
    return out
