"""Stage `verifier`: start the verifier, audit it, and write whether it may teach.

`models/verifier/identity.json` is what training depends on and holds no timings; everything that may differ
from run to run goes to `reports/`. An audit that fails the gate succeeds as a stage, so that its report is
kept; `train` refuses the verifier.
"""

from __future__ import annotations

from dataclasses import replace

from verif.audit import cascade, report, tables
from verif.audit.answers import choosing
from verif.audit.band import ChosenBand
from verif.audit.fitness import fitness_path, teacher_of, write_fitness
from verif.audit.golden import golden_cases
from verif.audit.run import audit, choose
from verif.pipeline.rollouts import under_pressure
from verif.project import Stage
from verif.service import lease
from verif.system.console import Console
from verif.system.record import SILENT, Record


def run(stage: Stage, record: Record = SILENT) -> None:  # noqa: ARG001 - its files are recorded
    """Audit the verifier of the stage's recipe; a cascade gets its band first, a model of answers its threshold."""
    fitness_path(stage).unlink(missing_ok=True)  # an earlier band must not speak for this one
    band = choose_band(stage)
    if band is not None:
        stage = replace(stage, recipe=cascade.with_band(stage.recipe, band.low, band.high))
    if (threshold := choose_threshold(stage)) is not None:
        stage = replace(stage, recipe=choosing.with_threshold(stage.recipe, threshold))
    pressure = stage.recipe.verifier.pressure
    drawn = under_pressure(stage, pressure) if pressure else []
    with lease.verifier(stage) as endpoint:
        outcome = audit(stage, endpoint, band, drawn)
    report.write(outcome, stage.reports, stage.recipe.verifier.gate.max_attack_success)
    section = stage.recipe.verifier
    write_fitness(fitness_path(stage), teacher_of(stage), outcome.reasons, section.cascade, section.reference)
    tables.show(outcome, Console())


def choose_band(stage: Stage) -> ChosenBand | None:
    """The band of the recipe's cascade, measured with both judges; None without a cascade."""
    if stage.recipe.verifier.cascade is None or stage.recipe.judge.kind == "none":
        return None
    cases = choose(golden_cases(stage.data), stage.recipe)
    recipe = cascade.with_everything(stage.recipe)
    with lease.verifier(replace(stage, recipe=recipe)) as endpoint:
        return cascade.measure_service(endpoint.url, cases, recipe)


def choose_threshold(stage: Stage) -> float | None:
    """The threshold of the recipe's model of answers, measured with the model; None without one."""
    reference = stage.recipe.verifier.reference
    if reference is None or reference.model == "none":
        return None
    with lease.verifier(stage) as endpoint:
        return choosing.choose_service(endpoint.url, stage.recipe)
