"""`verif verifier up|down|status|logs`: the verifier service of this working directory, for people."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import typer
from rich.table import Table

from verif.core.activate import activate
from verif.errors import ServiceError
from verif.project import Stage, load_stage
from verif.recipe import load_recipe
from verif.service import users
from verif.service.build import identity_of
from verif.service.config import TOKEN_VARIABLE, ServiceConfig
from verif.service.lease import configure, end, ensure, living
from verif.service.probes import probes
from verif.system.console import Console
from verif.system.files import write_bytes
from verif.system.private import NotPrivateError, private_folder, require_folder, state_home
from verif.system.serving import tail

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Verifier service: up, down, status, logs."
)
console = Console()
LOOPBACK = ("127.0.0.1", "::1", "localhost")
FOR_EVER = 10.0**9
ROOT = typer.Option(Path(), "--root", help="The project's root.")


def leases(root: Path) -> list[Path]:
    """The lease folders that are ours; another's is said and left alone."""
    folder, ours = root.resolve() / ".verif" / "leases", []
    for path in sorted(path for path in folder.glob("*") if path.is_dir()):
        try:
            require_folder(path)
            ours.append(path)
        except NotPrivateError as error:
            Console(stderr=True).print(f"left out: {error}", markup=False)
    return ours


@app.command(help="Start the recipe's verifier, or find it running; returns when it is ready.")
def up(
    root: Path = ROOT,
    idle_s: float = typer.Option(3600, min=1, help="End after so many seconds without users and work."),
    host: str = typer.Option(
        "127.0.0.1", help="Where to listen; anything but loopback needs VERIF_VERIFIER_TOKEN."
    ),
    port: int = typer.Option(0, min=0, max=65535, help="Port; 0 takes a free one."),
) -> None:
    if host not in LOOPBACK and not os.environ.get(TOKEN_VARIABLE):
        raise ServiceError(f"refusing to listen on {host} without a token.", "Set VERIF_VERIFIER_TOKEN.")
    stage = load_stage(root)
    config = configure(stage).model_copy(update={"idle_s": idle_s, "host": host, "port": port})
    identity = identity_of(config.recipe, config.judge_model)
    started = time.monotonic()
    with console.status("starting the verifier"):
        url = ensure(config, identity)
    console.print(f"verifier {identity[:12]} is ready at {url} after {time.monotonic() - started:.1f} s")


@app.command(help="Serve in the foreground until told to stop: what containers run.")
def serve(
    recipe: str = typer.Option(help="Recipe name, in ./recipes."),
    host: str = typer.Option("127.0.0.1", help="Where to listen; anything but loopback needs a token."),
    port: int = typer.Option(8600, min=0, max=65535, help="Port; 0 takes a free one."),
    judge_url: str = typer.Option("", help="OpenAI-compatible endpoint of the recipe's judge."),
    state: Path | None = typer.Option(
        None, help="Cache and logs; by default ~/.local/state/verif, or verif below XDG_STATE_HOME."
    ),
) -> None:
    from verif.service.__main__ import main

    loaded = activate(load_recipe(recipe))
    if loaded.judge.kind != "none" and not judge_url:
        raise ServiceError(
            f"recipe {recipe!r} has a judge.", "Name its endpoint: --judge-url http://HOST:PORT/v1."
        )
    token_file = os.environ.get(f"{TOKEN_VARIABLE}_FILE")
    if token_file and not os.environ.get(TOKEN_VARIABLE):
        os.environ[TOKEN_VARIABLE] = Path(token_file).read_text("utf-8").strip()
    if host not in LOOPBACK and not os.environ.get(TOKEN_VARIABLE):
        raise ServiceError(
            f"refusing to listen on {host} without a token.",
            f"Set {TOKEN_VARIABLE} or {TOKEN_VARIABLE}_FILE.",
        )
    state = private_folder(state_home()) if state is None else state
    folder = private_folder(state / "service")
    config = ServiceConfig(
        recipe=loaded,
        folder=folder,
        state=state,
        judge_url=judge_url,
        host=host,
        port=port,
        idle_s=FOR_EVER,
        probes=probes(Stage(Path.cwd(), loaded, Path.cwd())),
    )
    path = folder / "config.json"
    write_bytes(path, config.model_dump_json(by_alias=True).encode())
    raise typer.Exit(main(path))


@app.command(help="End every verifier service of this working directory.")
def down(root: Path = ROOT) -> None:
    ended = 0
    for folder in leases(root):
        lease = living(folder)
        if lease is not None:
            end(lease)
            ended += 1
    console.print(f"{ended} verifier service{'' if ended == 1 else 's'} ended.")


@app.command(help="Which services live, who uses them.")
def status(
    root: Path = ROOT, as_json: bool = typer.Option(False, "--json", help="One JSON object per line.")
) -> None:
    live = []
    for folder in leases(root):
        lease = living(folder)
        if lease is not None:
            up_s = time.time() - psutil.Process(int(lease["pid"])).create_time()
            live.append({**lease, "users": users.count(folder / "users"), "up_s": round(up_s)})
    if as_json:
        for lease in live:
            print(json.dumps(lease))
        return
    if not live:
        console.print("No verifier service is running.")
        return
    table = Table("identity", "url", "pid", "judge", "users", "up")
    for lease in live:
        judge = str(lease["judge_url"] or "none")
        table.add_row(
            lease["identity"][:12],
            lease["url"],
            str(lease["pid"]),
            judge,
            str(lease["users"]),
            f"{lease['up_s']} s",
        )
    console.print(table)


@app.command(help="The last lines of the logs of service and judge.")
def logs(root: Path = ROOT, lines: int = typer.Option(40, min=1, help="Lines per log.")) -> None:
    for folder in leases(root):
        for name in ("service.log", "judge.log"):
            if (folder / name).is_file():
                console.rule(f"{folder.name} {name}")
                console.print(tail(folder / name, lines), markup=False, highlight=False)
