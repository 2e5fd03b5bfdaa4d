"""`verif diff A B`: two evaluations by their kept verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from verif.errors import InputError
from verif.system.console import Console


def diff(
    a: Path = typer.Argument(help="Project, evaluation folder or verdicts.parquet."),
    b: Path = typer.Argument(help="The same; may be the same file, with other models."),
    model_a: str = typer.Option("", help="Model in A (default: after; before if A and B are the same)."),
    model_b: str = typer.Option("after", help="Model in B."),
    examples: int = typer.Option(3, min=0, help="Flipped prompts to show each way."),
) -> None:
    from verif.evaluation import diff as parts

    same = parts.find(a) == parts.find(b)
    old, new = parts.side(a, model_a or ("before" if same else "after")), parts.side(b, model_b)
    differences = parts.compare(old, new)
    if not differences:
        raise InputError("A and B have no prompt of one benchmark in common", file=f"{a} and {b}")
    console = Console(highlight=False, soft_wrap=True)
    for part in differences:
        show(console, part, examples)


def show(console: Console, part: Any, examples: int) -> None:
    """One benchmark: the total, the types, and some flipped prompts."""
    total = part.total
    console.print(
        f"\n{part.benchmark}, {part.mode}: {total.difference}, p={total.p_value:.4f}, "
        f"d_z={total.effect_size:.2f}; {sum(f.mended for f in part.flips)} mended, "
        f"{sum(not f.mended for f in part.flips)} broken of {part.shared} prompts in both"
    )
    table = Table()
    for column in ("type", "n", "A", "B", "gain", "p (Holm)"):
        table.add_column(column)
    for name, cell in sorted(part.families.items(), key=lambda pair: pair[1]["gain"]["value"]):
        gain = cell["gain"]
        shown = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        values = (f"{cell['before']['value']:.3f}", f"{cell['after']['value']:.3f}")
        table.add_row(name, str(gain["n"]), *values, shown, f"{gain['p_holm']:.4f}")
    console.print(table)
    for mended in (False, True):
        for flip in [f for f in part.flips if f.mended is mended][:examples]:
            console.print(f"\n{'mended' if mended else 'broken'} {flip.id}: {flip.prompt}")
            for name, rows in (("A", flip.before), ("B", flip.after)):
                console.print(f"  {name}: {rows[0].response}")
                for row in rows:
                    if row.status != "pass":
                        console.print(f"     {row.status}: {row.constraint} ({row.reason})")
