"""Stage `train`: refuse an unfit verifier, take the verifier service on loan, train, and watch every step."""

from __future__ import annotations

from collections.abc import Callable

from verif.audit.fitness import require_fit, teacher_of
from verif.audit.oracles import oracle_of
from verif.audit.watch import Watcher
from verif.data.rollouts import read_file, step_path
from verif.errors import TrainingError
from verif.project import Stage
from verif.service import lease
from verif.system.record import SILENT, Record
from verif.training.progress import RunFolder


def run(stage: Stage, record: Record = SILENT) -> None:
    """Write models/trained, reports/train.json and reports/train/."""
    from verif.training.launch import train

    audited, teacher = require_fit(stage), teacher_of(stage)
    if teacher != audited:
        raise TrainingError(
            f"the verifier now is {teacher[:12]}, but {audited[:12]} was audited.",
            "Run `dvc repro verifier`.",
        )
    with lease.verifier(stage) as endpoint:  # which has the code that is here, or is refused
        train(stage, endpoint, record, lambda folder: watch(stage, endpoint.url, folder, record))


def watch(stage: Stage, url: str, folder: RunFolder, record: Record) -> Callable[[int], None]:
    """Looks at each step's rollouts; an alarm may stop the run (`train.watch`)."""
    watcher = Watcher(
        stage.recipe.train.watch,
        folder.alarms,
        oracle=oracle_of(stage.recipe, url),
        emit=record.metrics,
        seed=stage.recipe.train.seed,
    )

    def look(step: int) -> None:
        rollouts = list(read_file(step_path(folder.rollouts, step)))
        watcher.look(step, rollouts, folder.metrics(step).get("actor/entropy"))
        watcher.require_calm()

    return look
