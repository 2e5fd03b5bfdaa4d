"""register: the trained model with its evidence into MLflow, its alias by the gate, and the report page."""

from __future__ import annotations

from verif.project import Stage
from verif.registry import headline, plots
from verif.registry.reconcile import register
from verif.registry.report.page import build
from verif.registry.runs.pipeline_run import show_in_execution
from verif.system.files import write_bytes, write_json
from verif.system.record import SILENT, Record


def run(stage: Stage, record: Record = SILENT) -> None:
    """Write `reports/{headline,registration}.json`, `reports/card.md`, `reports/index.html` and `reports/plots/`."""
    record.datasets({path.stem: path for path in sorted(stage.data.glob("*.parquet"))})
    registered = register(stage)
    write_json(
        stage.reports / "registration.json",
        {
            "model": stage.recipe.register_.model_name,
            "version": registered.version,
            "alias": registered.alias,
            "model_digest": registered.model_digest,
            "evidence_digest": registered.evidence_digest,
            "gate": registered.decision.as_dict(),
            "champion": registered.champion,
        },
    )
    headline.write(stage, registered.headline)
    if record.run_id:
        show_in_execution(stage)
    write_bytes(stage.reports / "card.md", registered.card.encode())
    plots.write(stage)
    page = build(stage)
    record.metrics(registered.headline.numbers())
    record.artifact(page, "report")
    record.artifact(stage.reports / "registration.json")
    for line in registered.messages:
        print(line)
