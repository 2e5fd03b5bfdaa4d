"""`verif images`: build, list."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from verif.cluster import images
from verif.errors import SetupError
from verif.system.console import Console

app = typer.Typer(add_completion=False, help="Docker images: build, list.", no_args_is_help=True)


def _table(listed: list[images.Image]) -> Table:
    table = Table("image", "tag", "commit", "lock", "MB", "reference by digest")
    for image in listed:
        table.add_row(
            image.role,
            image.tag,
            image.commit[:12],
            image.lock,
            f"{image.size_mb:.0f}",
            image.reference or "not pushed",
        )
    return table


@app.command()
def build(
    roles: list[str] = typer.Argument(None, help="Which images; all but the trainer by default."),
    repository: str = typer.Option("verif", help="Registry and folder, e.g. registry.example.org/verif."),
    arg: list[str] = typer.Option([], help="Build argument NAME=VALUE, e.g. BASE=python@sha256:..."),
    network: str = typer.Option("", help="Network of the build steps, e.g. host."),
    push: bool = typer.Option(False, help="Push, and print references by digest for infra/cluster.yaml."),
) -> None:
    """Build images, labelled with the commit and the lock's digest."""
    arguments = {}
    for pair in arg:
        name, sign, value = pair.partition("=")
        if not sign:
            raise SetupError(f"--arg {pair!r} is not NAME=VALUE.")
        arguments[name] = value
    client, console = images.engine(), Console()
    made = []
    for role in roles or ["orchestrator", "verifier", "cpu"]:
        console.print(f"building {role}")
        image = images.build(
            client, Path.cwd(), role, repository=repository, arguments=arguments, network=network or None,
            say=lambda text: console.print(text, style="dim", highlight=False, markup=False),
        )  # fmt: skip
        made.append(images.push(client, image) if push else image)
    console.print(_table(made))


@app.command("list")
def list_() -> None:
    """The images of verif that the engine holds."""
    Console().print(_table(images.built(images.engine())))
