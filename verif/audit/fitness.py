"""`models/verifier/identity.json`: what training depends on. The same audit gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from verif.errors import UnfitVerifierError
from verif.project import Stage
from verif.recipe import CascadeSection
from verif.system.files import write_json


def fitness_path(stage: Stage) -> Path:
    """Where fitness is kept."""
    return stage.models / "verifier" / "identity.json"


def write_fitness(
    path: Path, identity: str, reasons: Sequence[str], cascade: CascadeSection | None = None
) -> None:
    """Write identity and fitness; `reasons` must not hold measured values, which differ from run to run.

    A cascade is written with its band: every later stage starts the verifier with it (`verif.service.lease`).
    """
    kept = {"cascade": cascade.model_dump()} if cascade else {}
    write_json(path, {"identity": identity, "fit": not reasons, "reasons": list(reasons), **kept})


def require_fit(stage: Stage) -> str:
    """The identity of the audited verifier; `UnfitVerifierError` if there is none, or if it must not teach."""
    path = fitness_path(stage)
    try:
        kept = orjson.loads(path.read_bytes())
        identity, fit, reasons = str(kept["identity"]), kept["fit"], [str(r) for r in kept["reasons"]]
    except FileNotFoundError:
        raise UnfitVerifierError(
            f"{path} does not exist: no verifier was audited.", "Run `dvc repro verifier`."
        ) from None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UnfitVerifierError(
            f"{path} cannot be read: {error}.", "Run `dvc repro --force verifier`."
        ) from None
    if fit is not True:
        why = "; ".join(reasons) or "no reason was kept"
        raise UnfitVerifierError(
            f"the verifier is not fit to teach: {why}.",
            f"See {stage.reports / 'verifier.json'} for what was measured; mend the judge, or set `verifier.gate` in the recipe.",
        )
    return identity
