"""The `verif` command. Each command lives in `verif/cli/<module>.py` and is imported only when it is used.

`verif --help` imports none of them: what a group of commands holds is read from its source.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import verif
from verif.errors import VerifError

if TYPE_CHECKING:
    import typer

# command -> (module below verif.cli, one line of help); a module exposes a typer app named `app` (its commands
# are listed behind the line), or, for a single command, a function named like the command (dashes as underscores).
COMMANDS: dict[str, tuple[str, str]] = {
    "data": ("data", "Rows before they are used"),
    "score": ("score", "Verify a file of instructions and responses."),
    "explain": ("score", "Show each constraint of one row with its verdict and evidence."),
    "rules": ("rules", "Rules"),
    "conform": ("conform", "Compare anybody's checker with published verdicts."),
    "label": ("label", "Label responses by hand, on a page of this machine, to audit a judge."),
    "screen": ("screen", "Find defective model-written checkers in a data set."),
    "build": ("build", "Make instructions with proven checkers of question and answer pairs."),
    "difficulty": ("difficulty", "Measure how often the starting policy follows each row."),
    "cache": ("cache", "The verdict cache"),
    "verifier": ("verifier", "The verifier service"),
    "audit": ("audit", "Audit a verifier: accuracy, attacks, mutations, determinism, cost."),
    "rescore": ("rescore", "Re-judge stored rollouts with another verifier."),
    "stage": ("stage", "Run one pipeline stage (what dvc.yaml calls)."),
    "run": ("run", "Run the pipeline through Prefect."),
    "models": ("models", "List registered models with aliases and numbers."),
    "serve": ("serve", "Serve a registered model through vLLM."),
    "chat": ("serve", "Talk to a served model."),
    "bench": ("bench", "Benchmarks"),
    "diff": ("diff", "Compare the kept verdicts of two evaluations."),
    "gate": ("registry", "Evaluate the promotion gate for a version."),
    "promote": ("registry", "Make a version champion, if the gate allows."),
    "rollback": ("registry", "Put the previous champion back."),
    "history": ("registry", "The promotion ledger."),
    "reproduce": ("registry", "Commands that make a registered version again."),
    "gc": ("gc", "What runs have left behind; --delete removes it."),
    "report": ("report", "Build or open the report page."),
    "sweep": ("sweep", "Run a sweep over arms and seeds through DVC experiments."),
    "plan": ("plan", "What a recipe needs: stages, command, memory, time; --simulate: judges."),
    "recipe": ("recipe", "Recipes"),
    "cluster": ("cluster", "Kubernetes"),
    "images": ("images", "Docker images"),
}


def subcommands(module: str) -> list[str]:
    """The commands of a group, in their order, read from its source without importing it; none if it is no group."""
    source = (Path(__file__).parent / f"{module}.py").read_text("utf-8")
    names = []
    for node in (statement for statement in ast.parse(source).body if isinstance(statement, ast.FunctionDef)):
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "app.command":
                named = [a.value for a in mark.args if isinstance(a, ast.Constant)]
                names.append(str(named[0]) if named else node.name.replace("_", "-"))
    return names


def overview() -> str:
    """The text of `verif --help`."""
    width = max(len(name) for name in COMMANDS)
    lines = []
    for name, (module, line) in COMMANDS.items():
        inner = subcommands(module)
        lines.append(f"  {name:<{width}}  {line}{': ' + ', '.join(inner) + '.' if inner else ''}")
    return "\n".join(
        [
            "Usage: verif COMMAND [ARGS]...",
            "",
            "Instruction following by reinforcement learning against verified rewards.",
            "",
            "Commands:",
            *lines,
            "",
            "`verif COMMAND --help` explains a command.",
        ]
    )


def app(name: str) -> typer.Typer:
    """A command as a typer application, its module imported now."""
    import typer

    module_name, help_line = COMMANDS[name]
    module = importlib.import_module(f"verif.cli.{module_name}")
    function = getattr(module, name.replace("-", "_"), None)
    if not callable(function):
        group: typer.Typer = module.app
        return group
    made = typer.Typer(add_completion=False)
    made.command(name, help=help_line)(function)
    return made


def main(arguments: list[str] | None = None) -> None:
    """Entry point: expected errors are one line on standard error, Ctrl-C is exit code 130."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name from data may hold what no encoding can
        sys.stdout.reconfigure(errors="backslashreplace")
    if not arguments or arguments[0] in ("--help", "-h"):
        print(overview())
        return
    name, *rest = arguments
    if name == "--version":
        print(f"verif {verif.__version__}")
        return
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        print(
            f"verif: no command {name!r}. {f'Did you mean {near[0]}? ' if near else ''}Try `verif --help`.",
            file=sys.stderr,
        )
        sys.exit(2)
    import typer
    from typer.main import get_command

    try:
        get_command(app(name)).main(args=rest, prog_name=f"verif {name}")
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == 130:  # typer has taken the Ctrl-C and says nothing
            print("verif: interrupted", file=sys.stderr)
        raise
    except (KeyboardInterrupt, typer.Abort):
        print("verif: interrupted", file=sys.stderr)
        sys.exit(130)
