"""`verif gate|promote|rollback|history|reproduce`: promotion of registered models."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from verif.errors import GateError, RegistryError
from verif.project import load_stage
from verif.system.console import Console

console = Console(highlight=False, soft_wrap=True)


def gate(which: str = typer.Argument("candidate", help="Version number or alias.")) -> None:
    from verif.registry import promotion

    with promotion.at_desk(load_stage()) as desk:
        say(promotion.settle(desk))
        number = desk.registry.resolve(which).number
        decision = promotion.gate(desk, number)
    table = Table(title=f"version {number} against {decision.against}")
    for column in ("check", "", "measured"):
        table.add_column(column)
    for check in decision.checks:
        table.add_row(check.name, Text("pass", "green") if check.passed else Text("fail", "red"), check.note)
    console.print(table)
    if not decision.passed:
        raise GateError(f"version {number} does not pass the gate.")


def promote(
    which: str = typer.Argument("challenger", help="Version number or alias."),
    why: str = typer.Option("asked for on the command line", "--why", help="Kept in the ledger."),
) -> None:
    from verif.registry.promotion import promote as make_champion

    say(make_champion(load_stage(), which, why))


def rollback(why: str = typer.Option(..., "--why", help="Kept in the ledger.")) -> None:
    from verif.registry.promotion import rollback as go_back

    say(go_back(load_stage(), why))


def history() -> None:
    from verif.registry import promotion

    with promotion.at_desk(load_stage()) as desk:
        say(promotion.settle(desk))
        entries, name = list(desk.entries), desk.registry.name
    if not entries:
        console.print(f"No version of {name} was ever champion.")
        return
    table = Table(title=f"{name}: {len(entries)} entries, chain intact")
    for column in ("#", "when", "who", "what", "from", "to", "why"):
        table.add_column(column)
    for entry in entries:
        moved = (entry.source or "-", entry.to or "-")
        table.add_row(str(entry.seq), entry.at, entry.who, entry.action, *moved, entry.why)
    console.print(table)


def reproduce(
    which: str = typer.Argument(
        "champion", help="Version number or alias; with --compare, a model's folder."
    ),
    run: bool = typer.Option(False, "--run", help="Execute the commands in .verif/reproduce."),
    compare: str = typer.Option("", "--compare", help="Only compare a folder's digest with this one."),
) -> None:
    if compare:
        compare_digest(Path(which), compare)
        return
    from verif.registry import reproduction
    from verif.registry.store import open_registry
    from verif.system.files import new_directory

    stage = load_stage()
    registry = open_registry(stage)
    version = registry.resolve(which)
    steps = reproduction.reproduction(registry, version, stage.root)
    console.print("\n".join(step.shown for step in steps))
    if run:
        folder = stage.state / "reproduce"
        with new_directory(folder):  # what an earlier time left there is in the way of a clone
            pass
        if code := reproduction.run(steps, folder):
            raise RegistryError(f"version {version.number} was not made again (exit code {code}).")


def compare_digest(folder: Path, wanted: str) -> None:
    """Say whether a model folder is the one with that digest."""
    from verif.system.files import digest_tree

    if not folder.is_dir():
        raise RegistryError(f"{folder} does not exist.", "Run the commands that make it first.")
    got = digest_tree(folder)
    if got != wanted:
        raise RegistryError(f"{folder} differs: digest {got}, registered {wanted}.")
    console.print(f"{folder} is the registered model, byte for byte.")


def say(messages: list[str]) -> None:
    """What was done, a line each."""
    for line in messages:
        console.print(line)
