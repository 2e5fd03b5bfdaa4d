"""`verif difficulty`: how often the starting policy follows each row, written into the rows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer
from rich.table import Table

from verif.system.console import Console


def difficulty(
    out: Path = typer.Option(..., help="Where the rows go, with what was measured in `meta.difficulty`."),
    samples: int = typer.Option(8, min=2, max=1024, help="Answers to each row."),
    temperature: float = typer.Option(
        0.0, min=0.0, help="Of the answers (0: the recipe's train.temperature)."
    ),
    tokens: int = typer.Option(0, min=0, help="The longest answer (0: the recipe's train.response_tokens)."),
    limit: int = typer.Option(0, min=0, help="Only the first N rows to train on; 0 takes all."),
) -> None:
    from verif.data.difficulty import ALWAYS, NEVER, bin_counts
    from verif.pipeline.difficulty import RowSampling, lines, measure, rows_of
    from verif.project import load_stage
    from verif.system.files import output, write_bytes

    stage = load_stage()
    output(out, "--out", [stage.source])
    train = stage.recipe.train
    items = rows_of(stage)
    how = RowSampling(samples, temperature or train.temperature, tokens or train.response_tokens)
    told = asyncio.run(measure(stage, how, limit))
    write_bytes(out, lines(items, told))
    counts = bin_counts(measured["pass_rate"] for measured in told.values())
    table = Table(
        title=f"{len(told)} rows to train on, by the share of {samples} samples that follow",
        title_justify="left",
    )
    table.add_column("follows")
    table.add_column("rows", justify="right")
    table.add_column("share", justify="right")
    for name, count in counts.items():
        table.add_row(name, str(count), f"{count / len(told):.1%}")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(table)
    flat = counts[NEVER] + counts[ALWAYS]
    console.print(f"{flat} rows teach nothing yet: all their samples agree. data.pass_rate leaves them out.")
    console.print(f"{out}: name it as `data` in params.yaml")
