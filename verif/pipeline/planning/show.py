"""A plan for people: rich tables. The same content as JSON comes from `verif.cli.plan`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verif.pipeline.planning.fit import Fitted, Prediction
from verif.pipeline.planning.hardware import ASSUMPTIONS
from verif.pipeline.planning.memory import Estimate
from verif.pipeline.planning.pace import JudgePace, mean_service
from verif.pipeline.planning.placement import Placed
from verif.pipeline.planning.scale import BUSY, Busy, LocalRow, Size
from verif.pipeline.planning.syncs import SyncRow
from verif.pipeline.planning.timeline import Timeline
from verif.system.check import Check
from verif.system.console import Console
from verif.training.command import CommandLine

console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
SMALLER = {"GB": "MB", "billion": "million", "thousand": "", "TFLOP": "GFLOP"}


def _table(title: str, *columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def stages(placed: tuple[Placed, ...]) -> Table:
    """The seven stages with their resources."""
    table = _table("Stages", "stage", "runs as", "nodes x GPUs", "GPU", "cores", "memory", "deadline")
    for stage in placed:
        gpus = f"{stage.nodes} x {stage.gpus}" if stage.gpus else "-"
        memory, limit = (
            f"{stage.memory_gb} GB",
            f"{stage.deadline_h:g} h" if stage.executor == "kubernetes" else "-",
        )
        table.add_row(stage.stage, stage.runs_as, gpus, stage.gpu_type or "-", str(stage.cpus), memory, limit)
    return table


def command(job: CommandLine) -> Text:
    """veRL's command line, one setting a line, as a shell takes it."""
    lines = ["python -m verl.trainer.main_ppo", *map(shlex.quote, job.arguments[2:])]
    return Text("Command of the train stage\n") + Text(" \\\n  ".join(lines))


def estimates(title: str, rows: list[Estimate]) -> Table:
    """Figures with their arithmetic."""
    table = _table(title, "what", "value", "arithmetic", "source", right=("value",))
    for estimate in rows:
        value = "unknown" if estimate.value is None else _value(estimate.value, estimate.unit)
        style = "bold" if estimate.what.startswith(("peak", "room", "step", "the whole")) else None
        table.add_row(estimate.what, value, estimate.arithmetic, estimate.source, style=style)
    return table


def _value(value: float, unit: str) -> str:
    """Three digits, in a smaller unit where that reads better."""
    if 0 < value < 0.1 and unit in SMALLER:
        value, unit = value * 1000, SMALLER[unit]
    return (f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}").strip()


def assumptions() -> Table:
    """What the times assume."""
    table = _table("Assumptions of the times", "what", "value")
    for row in ASSUMPTIONS:
        table.add_row(*row)
    return table


def needs(checks: list[Check]) -> Table:
    """What is missing here."""
    missing = sum(not check.ok for check in checks)
    title = f"On this machine: {missing} missing" if missing else "On this machine: nothing is missing"
    table = _table(title, "what", "", "detail", "what to do")
    for check in checks:
        table.add_row(
            check.what, "ok" if check.ok else "missing", check.detail, "" if check.ok else check.fix,
            style=None if check.ok else "yellow",
        )  # fmt: skip
    return table


def scale(sizes: list[Size], model: JudgePace, name: str, needed: Busy) -> Group:
    """Judges against step time, idle share and cost."""
    right = (
        "trainer GPUs",
        "judges",
        "judge GPUs",
        "step",
        "idle",
        "judges busy",
        "GPU-hours a step",
        "step, judged after",
    )
    table = _table(f"Judges: {name}", *right, "", right=right)
    for size in sizes:
        for r in size.rows:
            notes = [w for w, n in (("enough", size.enough), ("cheapest", size.cheapest)) if n == r.judges]
            table.add_row(
                str(r.gpus), str(r.judges), str(r.judge_gpus), f"{r.step_s:.0f} s", f"{r.idle_share:.0%}",
                f"{r.judge_busy_share:.0%}", f"{r.gpu_hours:.2f}", f"{r.after_s:.0f} s", ", ".join(notes),
                end_section=r is size.rows[-1],
            )  # fmt: skip
    lines = [
        f"One verdict takes {mean_service(model):.1f} s on average, {model.slots} at once in a replica ({model.source}).",
        f"No verdict takes more than {model.longest:g} times that; deviation over mean {model.spread:g} (both assumed).",
        "With any number of judges the GPUs wait for "
        + ", ".join(f"{size.floor:.0%} ({size.gpus} GPUs)" for size in sizes)
        + " of a step: the last response must still be judged. `enough` comes within two points of that.",
        f"For {BUSY:.0%} a verdict may take {needed.limit_s:.1f} s on average ({sizes[0].gpus} GPUs, any number of judges). With"
        f" verdicts of {needed.limit_s / 2:.1f} s it takes "
        + ", ".join(
            f"{n or 'no number of'} judges ({size.gpus} GPUs)"
            for n, size in zip(needed.judges, sizes, strict=True)
        )
        + ".",
    ]
    return Group(table, Text("\n".join(lines)))


def syncs(rows: list[SyncRow]) -> Table:
    """What a sync every so many updates does to the time of one."""
    right = ("train.sync_every", "judges", "an update", "of it awaiting rewards", "generator idle")
    table = _table("Updates between two syncs (docs/offline-online.md)", *right, right=right)
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(
            str(row.sync_every), str(row.judges), f"{row.step_s:.0f} s", f"{row.wait_share:.0%}",
            f"{row.generator_idle_share:.0%}", end_section=after is not None and after.sync_every > row.sync_every,
        )  # fmt: skip
    return table


def fitted(run: Timeline, fit: Fitted) -> Table:
    """What was fitted."""
    table = _table("Fitted", "what", "value")
    rows = [
        ("steps", f"{len(run.steps)} of {run.rollouts} rollouts, the first step and {run.left_out} more left out"),
        ("decoder, from " + fit.method, f"{fit.decoder.start_s:.2f} s + {fit.decoder.iteration_s * 1e3:.2f} ms"
         f" an iteration + {fit.decoder.per_rollout_s * 1e3:.3f} ms for each active rollout"),
        ("judge", f"{fit.judge_slots} slots, mean service {fit.mean_service_s:.3f} s"),
        ("training", f"{fit.train_s_per_rollout * 1e3:.1f} ms a rollout"),
        ("mean step", f"{run.step_s:.2f} s measured"),
    ]  # fmt: skip
    for row in rows:
        table.add_row(*row)
    return table


def check(prediction: Prediction) -> RenderableType:
    """Prediction against measurement, step by step."""
    table = _table(
        "Predicted",
        "step",
        "rollouts",
        "measured",
        "predicted",
        "error",
        right=("measured", "predicted", "error"),
    )
    for step in prediction.steps:
        table.add_row(
            str(step.step), str(step.rollouts), f"{step.measured_s:.2f} s", f"{step.predicted_s:.2f} s", f"{step.error:+.1%}"
        )  # fmt: skip
    said = (
        f"All steps together: {prediction.total_error:+.1%}. Mean error of a step: {prediction.mean_absolute_error:.1%}"
        f" (the run's own steps vary by {prediction.spread:.1%})."
    )
    return Group(table, Text(said, style="bold"))


def local(rows: list[LocalRow]) -> Table:
    """What more judges would change."""
    table = _table(
        "More judges, each on cores of its own", "judges", "step", "idle", right=("judges", "step", "idle")
    )
    for row in rows:
        table.add_row(str(row.judges), f"{row.step_s:.2f} s", f"{row.idle_share:.1%}")
    return table
