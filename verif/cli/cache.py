"""`verif cache stats|clear`: the verdict cache of this working directory."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from verif.core.cache import VerdictCache
from verif.system.console import Console

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Verdict cache: stats, clear.")
FOLDER = Path(".verif") / "verdicts"


@app.command(help="Entries, size and limit of the cache.")
def stats(path: Path = typer.Option(FOLDER, help="The cache's folder.")) -> None:
    table = Table("what", "value", title="verdict cache")
    if not path.is_dir():
        Console().print(f"No verdict cache at {path}.")
        return
    cache = VerdictCache(path)
    usage = cache.stats()
    cache.close()
    table.add_row("folder", str(usage["path"]))
    table.add_row("entries", f"{usage['entries']:,}")
    table.add_row("size", f"{usage['bytes'] / 2**20:.1f} MB of {usage['limit_bytes'] / 2**20:.0f} MB")
    Console().print(table)


@app.command(help="Forget all verdicts.")
def clear(path: Path = typer.Option(FOLDER, help="The cache's folder.")) -> None:
    if not path.is_dir():
        Console().print(f"No verdict cache at {path}.")
        return
    cache = VerdictCache(path)
    count = cache.clear()
    cache.close()
    Console().print(f"{count:,} verdicts forgotten.")
