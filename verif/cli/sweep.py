"""`verif sweep FILE`: an ablation over arms and seeds, resumable, with the table at the end."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from verif.system.console import Console


def sweep(
    file: Path = typer.Argument(Path("sweeps/ablation.yaml"), help="The sweep's file."),
    show: bool = typer.Option(False, "--show", help="Run nothing; print what has run so far."),
) -> None:
    from verif.pipeline import sweep as parts
    from verif.pipeline import sweep_story, sweep_table

    console, root = Console(highlight=False, soft_wrap=True), Path.cwd()
    planned = parts.load_sweep(file, root / "recipes")
    jobs = parts.run_sweep(root, planned, console.print, run=not show)
    lines = sweep_table.table(root, planned, jobs)
    table = Table(title=sweep_table.title(planned))
    for column in sweep_table.HEADER:
        table.add_column(column)
    for line in lines:
        table.add_row(*sweep_table.cells(line))
    console.print(table)
    sweep_table.keep(root, planned, lines)
    sweep_story.keep(root, planned, sweep_story.stories(root, planned, jobs))
