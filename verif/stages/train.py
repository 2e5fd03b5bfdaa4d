"""Stage `train`: refuse an unfit verifier, take the verifier service on loan, train."""

from __future__ import annotations

from typing import Any

import orjson

from verif.errors import InputError, TrainingError, UnfitVerifierError
from verif.stages.context import Stage


def run(stage: Stage) -> None:
    """Write models/trained, reports/train.json and reports/train/."""
    from verif.service import lease
    from verif.training.launch import train

    audited = verifier_record(stage)
    if not audited["fit"]:
        reasons = "; ".join(str(reason) for reason in audited.get("reasons", [])) or "no reason given"
        raise UnfitVerifierError(
            f"the verifier is unfit to teach: {reasons}.",
            "See reports/verifier.json; improve judge or prompt, or change verifier.gate in the recipe.",
        )
    with lease.verifier(stage) as endpoint:
        if endpoint.identity != audited["identity"]:
            raise TrainingError(
                f"the verifier now is {endpoint.identity[:12]}, but {str(audited['identity'])[:12]} was audited.",
                "Run `dvc repro verifier`.",
            )
        train(stage, endpoint)


def verifier_record(stage: Stage) -> dict[str, Any]:
    """models/verifier/identity.json, or an `InputError`."""
    path = stage.models / "verifier" / "identity.json"
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"cannot read it: {error}", file=path, hint="Run `dvc repro verifier`.") from None
    if not isinstance(found, dict) or not {"identity", "fit"} <= set(found):
        raise InputError("holds no identity and fitness", file=path, hint="Run `dvc repro verifier`.")
    return found
