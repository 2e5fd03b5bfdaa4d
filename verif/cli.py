"""The `verif` command. Each command lives in `verif/commands/<module>.py` and is imported only when it is used."""

from __future__ import annotations

import importlib
import sys
from typing import Any, cast

import click
import typer
from typer.main import get_command

from verif.errors import VerifError

# command -> (module below verif.commands, one line of help); a module exposes a typer app named `app`,
# or, for a single command, a function named like the command (dashes as underscores).
COMMANDS: dict[str, tuple[str, str]] = {
    "score": ("score", "Verify a file of instructions and responses."),
    "explain": ("score", "Show each constraint of one row with its verdict and evidence."),
    "screen": ("screen", "Find defective model-written checkers in a data set."),
    "cache": ("cache", "Verdict cache: stats, clear."),
    "verifier": ("verifier", "Verifier service: up, down, status, logs."),
    "audit": ("audit", "Audit a verifier: accuracy, attacks, mutations, determinism, cost."),
    "rescore": ("rescore", "Re-judge stored rollouts with another verifier."),
    "stage": ("stage", "Run one pipeline stage (what dvc.yaml calls)."),
    "run": ("run", "Run the pipeline through Prefect."),
    "models": ("models", "List registered models with aliases and numbers."),
    "serve": ("serve", "Serve a registered model through vLLM."),
    "chat": ("serve", "Talk to a served model."),
    "bench": ("bench", "Benchmarks: list, run."),
    "diff": ("diff", "Compare the kept verdicts of two evaluations."),
    "gate": ("registry", "Evaluate the promotion gate for a version."),
    "promote": ("registry", "Make a version champion, if the gate allows."),
    "rollback": ("registry", "Put the previous champion back."),
    "history": ("registry", "The promotion ledger."),
    "reproduce": ("registry", "Commands that make a registered version again."),
    "report": ("report", "Build or open the report page."),
    "sweep": ("sweep", "Run an ablation recipe through DVC experiments."),
    "recipe": ("recipe", "Recipes: show, pin."),
    "plan": ("plan", "Stages, resources, command lines and estimates of a recipe."),
    "cluster": ("cluster", "Kubernetes: render, doctor."),
    "images": ("images", "Docker images: build, list."),
}


class Lazy(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names, without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module_name, help_line = COMMANDS[cmd_name]
        if ctx.resilient_parsing or "--help" in ctx.args[:0]:
            return click.Command(cmd_name, help=help_line)
        module = importlib.import_module(f"verif.commands.{module_name}")
        function = getattr(module, cmd_name.replace("-", "_"), None)
        app = typer.Typer(add_completion=False) if callable(function) else module.app
        if callable(function):
            app.command(cmd_name, help=help_line)(function)
        command: Any = get_command(app)  # typer's own copy of click
        command.name = cmd_name
        return cast(click.Command, command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table in `verif --help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def main() -> None:
    """Entry point: expected errors are one line on standard error, Ctrl-C is exit code 130."""
    group = Lazy(
        name="verif", help="Instruction following by reinforcement learning against verified rewards."
    )
    try:
        group.main(prog_name="verif", standalone_mode=True)
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("verif: interrupted", file=sys.stderr)
        sys.exit(130)
