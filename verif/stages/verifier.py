"""Stage `verifier`: start the verifier, audit it, and write whether it may teach.

`models/verifier/identity.json` is what training depends on and holds no timings; everything that may differ
from run to run goes to `reports/`. An audit that fails the gate succeeds as a stage, so that its report is
kept; `train` refuses the verifier.
"""

from __future__ import annotations

from rich.console import Console

from verif.audit import report, tables
from verif.audit.fitness import fitness_path, write_fitness
from verif.audit.run import audit
from verif.service import lease
from verif.stages.context import Stage


def run(stage: Stage) -> None:
    """Audit the verifier of the stage's recipe."""
    with lease.verifier(stage) as endpoint:
        outcome = audit(stage, endpoint)
    report.write(outcome, stage.reports, stage.recipe.verifier.gate.max_attack_success)
    write_fitness(fitness_path(stage), outcome.identity, outcome.reasons)
    tables.show(outcome, Console())
