"""`verif bench list|run`: the benchmarks, and one of them on any model."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from verif.system.console import Console
from verif.types import Reasoning

app = typer.Typer(help="Benchmarks.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


@app.command("list", help="Names, what judges them, papers.")
def list_() -> None:
    from verif.evaluation.catalog import benchmarks

    table = Table()
    for column in ("name", "what", "judged by", "needs a file", "paper"):
        table.add_column(column, overflow="fold")  # a link that is cut leads nowhere
    for benchmark in benchmarks().values():
        table.add_row(
            benchmark.name,
            benchmark.title,
            benchmark.judging,
            "yes" if benchmark.needs_file else "no",
            benchmark.paper,
        )
    console.print(table)
    for benchmark in benchmarks().values():
        if benchmark.note:
            console.print(f"{benchmark.name}: {benchmark.note}", markup=False)
    console.print(
        "General ability comes from lm-eval: name its tasks in the recipe's evaluate.general_tasks."
    )


@app.command(help="Score stored responses, or those of a model that is served for it.")
def run(
    name: str = typer.Argument(help="A name of `verif bench list`."),
    path: str = typer.Option("", help="The benchmark's file (default: the prepared split)."),
    model: Path = typer.Option(Path("models/trained"), help="The model's folder."),
    temperature: float = typer.Option(0.0, min=0.0, max=2.0),
    tokens: int = typer.Option(512, min=1),
    limit: int | None = typer.Option(None, min=1),
    out: Path | None = typer.Option(None, help="Where to keep the verdicts (parquet)."),
    gpus: int | None = typer.Option(
        None, min=0, help="GPUs to serve the model on (default: as the recipe evaluates)."
    ),
) -> None:
    from verif.core.activate import activate
    from verif.evaluation import catalog, verdicts
    from verif.evaluation.generate import Sampling
    from verif.evaluation.run import Model, Suite, answer_all, judge_all
    from verif.pipeline.stages.evaluate import gpus_of, open_verifier
    from verif.project import load_stage

    stage = load_stage()
    activate(stage.recipe, stage.root)
    suite = Suite(catalog.get(name), tuple(catalog.load(name, path, stage.data, stage.root, limit)))
    sampling = Sampling("t1", temperature, tokens, stage.recipe.evaluate.seed)
    devices = gpus_of(stage) if gpus is None else gpus
    answers = answer_all(Model("after", model, (sampling,), (suite,)), stage.state, {}, gpus=devices)
    reasoning = stage.recipe.verifier.reasoning
    rows = judge_all([suite], answers, lambda: open_verifier(stage), reasoning=reasoning)
    if out:
        verdicts.write(out, rows)
    table = Table(title=f"{suite.benchmark.title}, {len(suite.cases)} cases, {model}")
    for column in ("score", "value", "95% interval", "n"):
        table.add_column(column)
    scores = suite.benchmark.score(suite.cases, rows, stage.recipe.evaluate.bootstrap, 0)
    for score, interval in scores.items():
        table.add_row(
            score,
            f"{interval.value:.4f}",
            f"[{interval.low:.4f}, {interval.high:.4f}]".replace("[", r"\["),
            str(interval.n),
        )
    console.print(table)


@app.command(help="Score a file of responses (any form that holds prompt and response) to IFEval's prompts.")
def ifeval(
    prompts: Path = typer.Argument(help="IFEval's rows."),
    responses: Path = typer.Argument(help="Responses with their prompts, in any form."),
    leave_out: bool = typer.Option(False, "--leave-out", help="Pass over responses to unknown prompts."),
    reasoning: Reasoning = typer.Option("auto", "--reasoning", help="How the policy marks its reasoning."),
) -> None:
    from verif.evaluation.benchmarks.ifeval import load
    from verif.evaluation.stored import score_stored

    totals = score_stored(prompts, responses, leave_out=leave_out, reasoning=reasoning)
    console.print(f"{totals['prompt_strict'][1]} of {len(load(prompts))} prompts have a response")
    for name, (passed, total, interval) in totals.items():
        console.print(
            f"{name}: {passed}/{total} = {interval.value:.4f} {interval.low:.4f}-{interval.high:.4f}"
        )
