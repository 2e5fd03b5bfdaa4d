"""The nested MLflow run that `verif stage` opens for every stage and hands to it.

The later stages log while they work. The first four know nothing of MLflow: what they leave in it is read from
the files they have written. Where MLflow is not installed nothing is recorded; one that does not answer ends
the stage before it begins.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import orjson

from verif.registry.runs.numbers import leaves, numbers
from verif.system.record import SILENT, Record

if TYPE_CHECKING:
    from verif.project import Stage
    from verif.registry.runs.stage_run import StageRun


@dataclass(frozen=True)
class Kept:
    """A stage's recipe sections, its file under `reports/`, and the splits it makes or reads (`*`: all)."""

    sections: tuple[str, ...]
    report: str
    data: str


RECORDS = {
    "prepare": Kept(("data", "seed"), "data", "*"),
    "policy": Kept(("policy", "seed"), "policy", "policy_pairs"),
    "judge": Kept(("judge", "seed"), "judge", "judge_pairs"),
    "verifier": Kept(("judge", "verifier", "seed"), "verifier", "golden"),
}


@contextmanager
def recorded(stage: Stage, name: str) -> Iterator[Record]:
    """A stage's nested run while it works; its own files are logged at the end if it is one of the first four."""
    if find_spec("mlflow") is None:
        yield SILENT
        return
    from verif.registry.runs.stage_run import stage_run

    with stage_run(stage, name) as run:
        begun = time.monotonic()
        yield run
        if recorder := RECORDS.get(name):
            run.metrics({"seconds/total": time.monotonic() - begun})
            _log(run, stage, recorder)


def _log(run: StageRun, stage: Stage, kept: Kept) -> None:
    recipe = stage.recipe.model_dump(mode="json", by_alias=True)
    run.params(leaves({section: recipe[section] for section in kept.sections}, "."))
    run.datasets({path.stem: path for path in sorted(stage.data.glob(f"{kept.data}.parquet"))})
    report = stage.reports / f"{kept.report}.json"
    if report.is_file():
        run.metrics(numbers(orjson.loads(report.read_bytes())))
        run.artifact(report)
    if (stage.reports / kept.report).is_dir():
        run.artifact(stage.reports / kept.report)
