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
    for one in placed:
        gpus = f"{one.nodes} x {one.gpus}" if one.gpus else "-"
        memory, limit = (
            f"{one.memory_gb} GB",
            f"{one.deadline_h:g} h" if one.executor == "kubernetes" else "-",
        )
        table.add_row(one.stage, one.runs_as, gpus, one.gpu_type or "-", str(one.cpus), memory, limit)
    return table


def command(job: CommandLine) -> Text:
    """veRL's command line, one setting a line, as a shell takes it."""
    lines = ["python -m verl.trainer.main_ppo", *map(shlex.quote, job.arguments[2:])]
    return Text("Command of the train stage\n") + Text(" \\\n  ".join(lines))


def estimates(title: str, found: list[Estimate]) -> Table:
    """Figures with their arithmetic."""
    table = _table(title, "what", "value", "arithmetic", "source", right=("value",))
    for one in found:
        value = "unknown" if one.value is None else _value(one.value, one.unit)
        style = "bold" if one.what.startswith(("peak", "room", "step", "the whole")) else None
        table.add_row(one.what, value, one.arithmetic, one.source, style=style)
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
    for one in sizes:
        for r in one.rows:
            notes = [w for w, n in (("enough", one.enough), ("cheapest", one.cheapest)) if n == r.judges]
            table.add_row(
                str(r.gpus), str(r.judges), str(r.judge_gpus), f"{r.step_s:.0f} s", f"{r.idle_share:.0%}",
                f"{r.judge_busy_share:.0%}", f"{r.gpu_hours:.2f}", f"{r.after_s:.0f} s", ", ".join(notes),
                end_section=r is one.rows[-1],
            )  # fmt: skip
    lines = [
        f"One verdict takes {mean_service(model):.1f} s on average, {model.slots} at once in a replica ({model.source}).",
        f"No verdict takes more than {model.longest:g} times that; deviation over mean {model.spread:g} (both assumed).",
        "With any number of judges the GPUs wait for "
        + ", ".join(f"{one.floor:.0%} ({one.gpus} GPUs)" for one in sizes)
        + " of a step: the last response must still be judged. `enough` comes within two points of that.",
        f"For {BUSY:.0%} a verdict may take {needed.limit_s:.1f} s on average ({sizes[0].gpus} GPUs, any number of judges). With"
        f" verdicts of {needed.limit_s / 2:.1f} s it takes "
        + ", ".join(
            f"{n or 'no number of'} judges ({one.gpus} GPUs)"
            for n, one in zip(needed.judges, sizes, strict=True)
        )
        + ".",
    ]
    return Group(table, Text("\n".join(lines)))


def fitted(run: Timeline, found: Fitted) -> Table:
    """What was fitted."""
    table = _table("Fitted", "what", "value")
    rows = [
        ("steps", f"{len(run.steps)} of {run.rollouts} rollouts, the first step and {run.left_out} more left out"),
        ("decoder, from " + found.method, f"{found.decoder.start_s:.2f} s + {found.decoder.iteration_s * 1e3:.2f} ms"
         f" an iteration + {found.decoder.per_rollout_s * 1e3:.3f} ms for each active rollout"),
        ("judge", f"{found.judge_slots} slots, mean service {found.mean_service_s:.3f} s"),
        ("training", f"{found.train_s_per_rollout * 1e3:.1f} ms a rollout"),
        ("mean step", f"{run.step_s:.2f} s measured"),
    ]  # fmt: skip
    for row in rows:
        table.add_row(*row)
    return table


def check(found: Prediction) -> RenderableType:
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
    for one in found.steps:
        table.add_row(
            str(one.step), str(one.rollouts), f"{one.measured_s:.2f} s", f"{one.predicted_s:.2f} s", f"{one.error:+.1%}"
        )  # fmt: skip
    said = (
        f"All steps together: {found.total_error:+.1%}. Mean error of a step: {found.mean_absolute_error:.1%}"
        f" (the run's own steps vary by {found.spread:.1%})."
    )
    return Group(table, Text(said, style="bold"))


def local(rows: list[LocalRow]) -> Table:
    """What more judges would change."""
    table = _table(
        "More judges, each on cores of its own", "judges", "step", "idle", right=("judges", "step", "idle")
    )
    for one in rows:
        table.add_row(str(one.judges), f"{one.step_s:.2f} s", f"{one.idle_share:.1%}")
    return table
