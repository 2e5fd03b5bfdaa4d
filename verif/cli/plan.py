"""`verif plan RECIPE`: what a recipe would do and need; with `--simulate`, how many judges keep its trainer busy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
import yaml
from rich.text import Text

from verif.errors import RecipeError
from verif.project import merged, parse_overrides
from verif.recipe import RECIPES, SWEEPS, HubModel, Recipe, load_recipe, parse_recipe


def plan(
    recipe: str = typer.Argument(help="Recipe name."),
    simulate: bool = typer.Option(False, "--simulate", help="Simulate a step against the number of judges."),
    fit: Path = typer.Option(None, help="With --simulate: fit the simulator on this training run's folder."),
    check: Path = typer.Option(None, help="With --fit: predict this other run's step times."),
    picture: Path = typer.Option(None, help="With --simulate: draw the table (.svg or .png)."),
    set_: list[str] = typer.Option([], "--set", help="Override, e.g. train.rollouts_per_prompt=8."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object."),
) -> None:
    if (fit or picture) and not simulate:
        raise RecipeError("--fit and --picture belong to --simulate.", "Add --simulate.")
    if check and not fit:
        raise RecipeError("--check needs a fitted simulator.", "Add --fit RUN_FOLDER.")
    if picture and (fit or picture.suffix not in (".svg", ".png")):
        raise RecipeError("--picture draws the table without --fit, into a file named .svg or .png.")
    loaded, note = _load(recipe, set_)
    if fit:
        numbers = _fit(loaded, fit, check, quiet=as_json)
    elif simulate:
        numbers = _scale(loaded, picture, quiet=as_json)
    else:
        numbers = _plan(loaded, note, quiet=as_json)
    if as_json:
        print(json.dumps({"recipe": loaded.name, **numbers}, indent=1))


def _load(name: str, pairs: list[str]) -> tuple[Recipe, str]:
    """The recipe with overrides; a sweep is planned as its base, with a note how many trainings it is."""
    sweep = SWEEPS / f"{name}.yaml"
    path = sweep if sweep.is_file() else RECIPES / f"{name}.yaml"
    try:
        raw = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None
    except (yaml.YAMLError, UnicodeDecodeError):
        raw = None  # load_recipe says what is wrong
    if isinstance(raw, dict) and "sweep" in raw:
        runs = len(raw["arms"]) * len(raw["seeds"])
        return _load(raw["base"], pairs)[0], f"{name} is a sweep: {runs} trainings of recipe {raw['base']}."
    loaded = load_recipe(name)
    if pairs and isinstance(raw, dict):
        loaded = parse_recipe(merged(raw, parse_overrides(pairs)), f"{path} with overrides")
    return loaded, ""


def _plan(recipe: Recipe, note: str, *, quiet: bool) -> dict[str, Any]:
    from verif.pipeline.planning import placement as stages
    from verif.pipeline.planning import show
    from verif.pipeline.planning.hardware import gpu_of
    from verif.pipeline.planning.memory import disk, judge_memory, policy_memory
    from verif.pipeline.planning.missing import needs
    from verif.pipeline.planning.times import step_time

    placed = stages.placed(recipe)
    job = stages.command(recipe)
    gpu = gpu_of(recipe, "train")
    memory = policy_memory(recipe, gpu) + judge_memory(recipe, gpu_of(recipe, "verifier"))
    times, space = step_time(recipe, gpu), disk(recipe)
    missing = needs(recipe, placed, Path.cwd())
    if not quiet:
        say = show.console.print
        say(f"{recipe.name}: {recipe.description}", *([note] if note else []), sep="\n")
        for part in (
            show.stages(placed),
            show.command(job),
            show.estimates("Memory of a device (estimated)", memory),
            show.estimates("Disk", space),
            show.estimates("Time (estimated)", times),
            show.assumptions(),
            show.needs(missing),
        ):
            say("", part, sep="\n", soft_wrap=isinstance(part, Text))
    return {
        "note": note,
        "stages": [asdict(stage) for stage in placed],
        "command": ["python", *job.arguments],
        "memory": [asdict(estimate) for estimate in memory],
        "disk": [asdict(estimate) for estimate in space],
        "time": [asdict(estimate) for estimate in times],
        "needs": [asdict(need) for need in missing],
    }


def _scale(recipe: Recipe, picture: Path | None, *, quiet: bool) -> dict[str, Any]:
    from verif.pipeline.planning import scale, show, syncs
    from verif.pipeline.planning.hardware import gpu_of
    from verif.pipeline.planning.pace import JUDGES, pace
    from verif.pipeline.planning.shapes import shape_of

    shape, gpu = shape_of(recipe.policy), gpu_of(recipe, "train")
    judge = JUDGES.get(recipe.judge.repo) if isinstance(recipe.judge, HubModel) else None
    if not recipe.train.gpus or shape is None or gpu is None or judge is None:
        raise RecipeError(
            f"recipe {recipe.name!r} cannot be simulated from public figures: they are for a policy whose shape is"
            " known, on GPUs that are known, with a judge whose time was measured.",
            "Fit a run of it: `verif plan NAME --simulate --fit RUN_FOLDER`.",
        )
    base = pace(recipe.train, shape, gpu)
    sizes = [scale.size(base, judge, gpus) for gpus in scale.SIZES]
    needed = scale.busy(base, judge)
    synced = syncs.rows(base, judge, recipe.train.cycle, overlap=recipe.train.overlap)
    if picture:
        scale.draw(sizes, judge, f"{recipe.name}: judges {recipe.judge.repo}", picture)  # type: ignore[union-attr]
    if not quiet:
        show.console.print(
            show.scale(sizes, judge, f"{recipe.judge.repo} for {recipe.name}", needed),  # type: ignore[union-attr]
            "",
            show.syncs(synced),
            "",
            show.assumptions(),
            sep="\n",
        )
    return {
        "judge": asdict(judge),
        "sizes": [asdict(size) for size in sizes],
        "busy": asdict(needed),
        "syncs": [asdict(row) for row in synced],
    }


def _fit(recipe: Recipe, run: Path, other: Path | None, *, quiet: bool) -> dict[str, Any]:
    from verif.pipeline.planning import scale, show
    from verif.pipeline.planning.fit import check, fit
    from verif.pipeline.planning.timeline import load

    timeline = load(run)
    fitted = fit(timeline)
    checked = check(fitted, load(other)) if other else None
    rollouts = recipe.train.prompts_per_step * recipe.train.rollouts_per_prompt
    rows = scale.local_rows(fitted, rollouts)
    if not quiet:
        show.console.print(show.fitted(timeline, fitted), "", show.check(check(fitted, timeline)), sep="\n")
        if checked:
            show.console.print("", f"The other run, {other}", show.check(checked), sep="\n")
        show.console.print("", show.local(rows), sep="\n")
    numbers = asdict(fitted)
    del numbers["pool"]
    return {
        "fitted": {**numbers, "mean_service_s": fitted.mean_service_s},
        "itself": asdict(check(fitted, timeline)),
        "check": asdict(checked) if checked else None,
        "judges": [asdict(row) for row in rows],
    }
