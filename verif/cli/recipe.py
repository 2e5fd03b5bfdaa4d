"""`verif recipe show|pin|check`: a recipe with its defaults; hub revisions and digests filled in from the hub."""

from __future__ import annotations

from pathlib import Path

import typer
import yaml

from verif.system.console import Console

app = typer.Typer(help="Recipes.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


@app.command(help="A recipe with every default written out.")
def show(name: str = typer.Argument("local")) -> None:
    from verif.recipe import load_recipe

    print(
        yaml.safe_dump(
            load_recipe(name).model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True
        )
    )


@app.command(
    help="Fill in revision and digest of every hub model and benchmark; asks the hub, invents nothing."
)
def pin(
    name: str,
    again: bool = typer.Option(False, "--again", help="Also move what is pinned to the newest revision."),
) -> None:
    from verif.data.pin import pin_recipe

    path = Path("recipes") / f"{name}.yaml"
    for line in pin_recipe(path, again=again) or ["Nothing to pin."]:
        console.print(line, markup=False)


@app.command(help="Check plugins, benchmark names, lm-eval tasks and pins of a recipe.")
def check(name: str = typer.Argument("local")) -> None:
    from verif.core.activate import activate
    from verif.data.pin import unpinned
    from verif.evaluation import catalog
    from verif.recipe import load_recipe

    recipe = activate(load_recipe(name))
    for benchmark in recipe.evaluate.benchmarks:
        catalog.get(benchmark.name)
    if recipe.evaluate.general_tasks:
        from verif.evaluation.general import check_tasks

        reasoning = recipe.verifier.reasoning
        check_tasks(recipe.evaluate.general_tasks, Path.cwd(), reasoning=reasoning)
    missing = unpinned(recipe)
    for place in missing:
        console.print(f"not pinned: {place} (`verif recipe pin {name}`)")
    if not missing:
        console.print(f"recipe {name}: benchmarks, tasks and pins are in order.")
