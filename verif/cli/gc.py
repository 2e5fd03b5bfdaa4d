"""`verif gc`: what runs have left behind, by kind, and its removal when asked for."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from verif.system.console import Console


def gc(
    keep: int = typer.Option(2, min=1, help="Finished runs and fetched models that stay, the newest."),
    days: float = typer.Option(14, min=0, help="What is younger stays."),
    delete: bool = typer.Option(False, "--delete", help="Remove it; without this nothing is touched."),
    each: bool = typer.Option(False, "--each", help="Name every file and folder that goes."),
) -> None:
    from verif.pipeline.leftovers import KINDS, Policy, leftovers, remove
    from verif.project import read_parameters

    root, console = Path.cwd(), Console(highlight=False, soft_wrap=True)
    read_parameters(root)  # a folder that is no project is refused
    remains = leftovers(root, Policy(keep=keep, days=days))
    gone = {item.path for item in remains if item.goes and (not delete or remove(item))}
    table = Table("what", "there", "bytes", "removed" if delete else "may go", "bytes")
    for kind in KINDS:
        all_, some = (
            [o for o in remains if o.kind == kind and (o.path in gone or not only)] for only in (False, True)
        )
        table.add_row(
            kind,
            str(len(all_)),
            f"{sum(o.size for o in all_):,}",
            str(len(some)),
            f"{sum(o.size for o in some):,}",
        )
    console.print(table)
    if each:
        for item in remains:
            if item.path in gone:
                console.print(f"{item.kind}: {item.path} ({item.size:,} bytes)", markup=False)
    total = sum(item.size for item in remains if item.path in gone)
    if delete:
        console.print(f"{total:,} bytes removed.")
    else:
        console.print(f"{total:,} bytes may go: `verif gc --delete`.")
