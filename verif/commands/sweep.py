"""`verif sweep FILE`: an ablation over arms and seeds, resumable, with the table at the end."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def sweep(
    file: Path = typer.Argument(Path("recipes/ablation.yaml"), help="The sweep's file."),
    show: bool = typer.Option(False, "--show", help="Run nothing; print what has run so far."),
) -> None:
    from verif.benchmarks import sweep as parts
    from verif.files import write_json

    console, root = Console(highlight=False, soft_wrap=True), Path.cwd()
    found = parts.load_sweep(file, root / "recipes")
    lines = (
        parts.table(root, found)
        if show
        else parts.run_sweep(root, found, lambda line: console.print(escape(line)))
    )
    table = Table(
        title=f"{found.sweep}: prompts followed in full, T=1, 95% interval over prompts of all seeds"
    )
    for column in ("arm", "n", "before", "after", "gain", "gain by seed"):
        table.add_column(column)
    for line in lines:
        cells = [f"{i.value:.3f} \\[{i.low:.3f}, {i.high:.3f}]" for i in (line.before, line.after, line.gain)]
        table.add_row(
            escape(line.arm), str(line.after.n), *cells, ", ".join(f"{value:+.3f}" for value in line.by_seed)
        )
    console.print(table)
    numbers = [
        {"arm": x.arm, "after": x.after.as_dict(), "gain": x.gain.as_dict(), "by_seed": list(x.by_seed)}
        for x in lines
    ]
    write_json(root / "reports" / f"sweep-{found.sweep}.json", numbers)
