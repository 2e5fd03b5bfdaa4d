"""`verif models`: registered versions with their aliases and numbers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from verif.project import load_stage
from verif.system.console import Console


def models(
    fetch: str = typer.Option(
        "", "--fetch", help="Version or alias whose weights to bring here; prints the folder."
    ),
) -> None:
    from verif.registry import promotion, versions

    # a pipe gets whole words: what reads it looks for aliases and commits
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    stage = load_stage()
    with promotion.at_desk(stage) as desk:
        for line in promotion.settle(desk):
            console.print(line, markup=False)
        registry = desk.registry
    if fetch:
        print(versions.fetch(registry, registry.resolve(fetch), stage.state))
        return
    registered = registry.versions()
    if not registered:
        console.print(f"No version of {registry.name} is registered yet: `make run`.")
        return
    table = Table(title=registry.name)
    for column in ("version", "aliases", "registered (UTC)", "before", "after", "gain", "commit", "weights"):
        table.add_column(column, no_wrap=column in ("version", "aliases"))
    for version in reversed(registered):
        when = datetime.fromtimestamp(version.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        commit = version.tags.get("verif.git.commit", "")[:10]
        dirty = "+" if version.tags.get("verif.git.dirty") == "true" else ""
        size = f"{float(version.tags.get('verif.model.bytes', 0)) / 1e6:.1f} MB"
        where = "uploaded" if version.tags.get("verif.model.uploaded") == "true" else "pointer"
        numbers = headline(registry, version)
        table.add_row(
            version.number, ", ".join(version.aliases), when, *numbers, commit + dirty, f"{size}, {where}"
        )
    console.print(table)
    console.print(space(stage.root), markup=False)


def space(root: Path) -> str:
    """One line: what runs hold of the disk."""
    from verif.pipeline.leftovers import Policy, leftovers

    remains = leftovers(root, Policy())
    total, may = (sum(item.size for item in remains if item.goes or not only) for only in (False, True))
    runs = sum(item.size for item in remains if item.kind.endswith("runs"))
    return (
        f"On disk under .verif: {total / 1e6:,.1f} MB, {runs / 1e6:,.1f} MB of it training runs;"
        f" {may / 1e6:,.1f} MB may go (`verif gc`)."
    )


def headline(registry: Any, version: Any) -> tuple[str, str, str]:
    """Before, after and gain on the first benchmark, from the evidence kept with the version."""
    from verif.errors import VerifError
    from verif.evaluation.summary import in_order
    from verif.registry.evidence import of_version

    try:
        benchmarks = in_order(of_version(registry, version).evaluation)
    except VerifError:
        return ("evidence is missing", "", "")
    for numbers in benchmarks.values():
        if "gain" in numbers and numbers["gain"]["low"] is not None:
            gain = numbers["gain"]
            return (
                f"{numbers['before']['strict']['value']:.3f}",
                f"{numbers['after']['strict']['value']:.3f}",
                f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]",
            )
    return ("", "", "")
