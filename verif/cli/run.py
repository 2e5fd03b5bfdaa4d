"""`verif run`: the pipeline in this directory, through the Prefect flow, with an API of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import typer

from verif.project import apply_overrides, parse_overrides, read_parameters, set_parameters


def prefect_environment(root: Path) -> dict[str, str]:
    """Prefect's settings for a run here: a database below .verif, no reports home."""
    settings = {
        "PREFECT_HOME": str(root / ".verif" / "prefect"),
        # Its default is computed from the user's home in spite of PREFECT_HOME, and warns where there is none.
        "PREFECT_MEMO_STORE_PATH": str(root / ".verif" / "prefect" / "memo_store.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if not os.environ.get("PREFECT_API_URL"):
        # Errors come out as one line of this command's own; Prefect would add its traceback.
        settings["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
    return settings


def run(
    recipe: str = typer.Option(
        "", help="File name in recipes/, without .yaml (default: what params.yaml says)."
    ),
    data: str = typer.Option("", help="File of instructions, for recipes that read one."),
    from_stage: str = typer.Option("", help="Leave the stages before this one alone."),
    overrides: list[str] = typer.Option(
        [], "--set", help="A recipe value, e.g. train.learning_rate=0.0005; written into the recipe file."
    ),
    executor: Literal["recipe", "local"] = typer.Option(
        "recipe", help="recipe: as each stage's resources say; local: everything here."
    ),
    require_gate: bool = typer.Option(
        False, "--require-gate", help="Exit code 2 where the promotion gate refuses the model."
    ),
) -> None:
    root = Path.cwd()
    from verif.pipeline.run import only_run
    from verif.project import load_stage
    from verif.registry.reconcile import reconcile
    from verif.system.dvc import status
    from verif.system.processes import terminable

    read_parameters(root)  # a wrong directory is refused before anything is written into it
    changes = parse_overrides(overrides)
    with terminable(), only_run(root, uuid.uuid4().hex[:12]):
        chosen = set_parameters(root, recipe, data)
        apply_overrides(root, chosen["recipe"], changes)
        if os.environ.get("PREFECT_API_URL") or status(root):
            ran = through_prefect(chosen, changes, from_stage, executor)
        else:
            ran = []  # nothing to orchestrate: starting Prefect's API would take ten times as long
            for message in reconcile(load_stage(root)):
                print(message)
    print_summary(root, ran)
    if require_gate:
        require_passed(root)


def through_prefect(
    chosen: dict[str, str], changes: dict[str, Any], from_stage: str, executor: str
) -> list[str]:
    """Run the flow in this process; its stages' errors come out as they are. A server in the environment wins."""
    root = Path.cwd()
    for key, value in prefect_environment(root).items():
        os.environ.setdefault(key, value)
    from flows.api import RunApi
    from verif.system.local_services import adopt

    adopt(root)
    api = None if os.environ.get("PREFECT_API_URL") else RunApi(root)
    # The flow needs these later; here their import costs nothing, because the server is starting.
    import dvc.repo  # noqa: F401
    import mlflow  # noqa: F401

    from flows.pipeline import pipeline

    if api:
        api.wait()
    flow: Callable[..., Any] = pipeline
    # A flow that returns a state gives whoever calls it the state's data: here the stages that ran.
    ran: list[str] = flow(
        recipe=chosen["recipe"],
        data=chosen["data"],
        overrides=changes,
        from_stage=from_stage or None,
        executor=executor,
        directory=str(root),
    )
    return ran


def print_summary(root: Path, ran: list[str]) -> None:
    """What ran, and the headline in five lines."""
    from verif.registry.sentences import last_lines
    from verif.system.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Stages that ran: {', '.join(ran)}." if ran else "Nothing had changed; no stage ran.")
    for line in last_lines(root):
        console.print(line)


def require_passed(root: Path) -> None:
    """`GateError` with its reasons where the gate refuses what is registered from here."""
    from verif.errors import GateError
    from verif.registry import headline

    said = headline.read(root)
    if said is None:
        raise GateError("the gate has not decided: there is no headline.", "Run all stages: `verif run`.")
    if not said.gate:
        raise GateError(
            f"the gate refuses the model: {'; '.join(said.reasons)}.", "`verif gate` shows every check."
        )
