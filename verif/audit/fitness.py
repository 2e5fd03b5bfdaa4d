"""`models/verifier/identity.json`: what training depends on. The same audit gives the same bytes.

Its identity is that of the teacher: all that decides, but of the rules only those that the recipe's data can ask. A new
version of one of IFEval's rules audits and evaluates again, and does not train the local world anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from verif.core.parts import rules_part
from verif.data.world.constraints import HARD, rule_id
from verif.errors import UnfitVerifierError
from verif.project import Stage
from verif.recipe import CascadeSection, ReferenceSection
from verif.service.identity import describe
from verif.service.lease import configure
from verif.system.files import digest, write_json


def fitness_path(stage: Stage) -> Path:
    """Where fitness is kept."""
    return stage.models / "verifier" / "identity.json"


def teacher_of(stage: Stage) -> str:
    """The identity of the stage's verifier as a teacher, by the code that is here; nothing is started."""
    config = configure(stage)
    parts = describe(config.recipe, config.judge_model)
    if config.recipe.data.kind == "world":
        parts["rules"] = rules_part({rule_id(kind) for kind in HARD})
    if config.recipe.data.kind == "judgements":
        parts["rules"] = rules_part({"judgement:verdict", "judgement:better"})
    return digest(parts)


def write_fitness(
    path: Path,
    identity: str,
    reasons: Sequence[str],
    cascade: CascadeSection | None = None,
    reference: ReferenceSection | None = None,
) -> None:
    """Write a teacher's identity and fitness; `reasons` must not hold measured values, which differ from run to run.

    A cascade is written with its band, a model of answers with its threshold:
    every later stage starts the verifier with it (`verif.service.lease`).
    """
    sections = {"cascade": cascade, "reference": reference}
    kept = {name: section.model_dump() for name, section in sections.items() if section}
    write_json(path, {"identity": identity, "fit": not reasons, "reasons": list(reasons), **kept})


def require_fit(stage: Stage) -> str:
    """The identity of the audited teacher; `UnfitVerifierError` if there is none, or if it must not teach."""
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
