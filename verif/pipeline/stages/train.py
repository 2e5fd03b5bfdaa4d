"""Stage `train`: refuse an unfit verifier, take the verifier service on loan, train."""

from __future__ import annotations

from verif.errors import TrainingError
from verif.project import Stage


def run(stage: Stage) -> None:
    """Write models/trained, reports/train.json and reports/train/."""
    from verif.audit.fitness import require_fit
    from verif.service import lease
    from verif.training.launch import train

    audited = require_fit(stage)
    with lease.verifier(stage) as endpoint:
        if endpoint.identity != audited:
            raise TrainingError(
                f"the verifier now is {endpoint.identity[:12]}, but {audited[:12]} was audited.",
                "Run `dvc repro verifier`.",
            )
        train(stage, endpoint)
