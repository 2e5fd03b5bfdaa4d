"""Scheduled checks: the champion on its benchmarks every night, the verifier's audit and the tests' every week. No logic
here."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows import artifacts
from flows.executors import execute, preflight
from flows.names import run_name
from flows.pipeline import heals
from flows.workspace import Place, newest_run, workspace
from verif.errors import VerifError
from verif.pipeline.run import only_run, run_command


@task(
    retries=1, retry_delay_seconds=10, retry_condition_fn=heals, cache_policy=NO_CACHE, persist_result=False
)
def bring(root: Path, stage: str, run_id: str) -> None:
    """A stage's outputs, from the cache where they are known."""
    execute(root, stage, run_id, "recipe")


def bring_judge(place: Place) -> None:
    """What the verifier needs: the golden set and the judge, which is hardened against the policy."""
    stages = ("prepare", "policy", "judge")
    preflight(place, stages, "recipe")
    for stage in stages:
        bring.with_options(name=stage, task_run_name=stage)(place.root, stage, place.run_id)


@task(
    retries=1, retry_delay_seconds=30, retry_condition_fn=heals, cache_policy=NO_CACHE, persist_result=False
)
def command(root: Path, run_id: str, arguments: list[str], deadline_s: float) -> str:
    """A `verif` command; what it printed."""
    return run_command(root, run_id, ["verif", *arguments], deadline_s=deadline_s)


@flow(name="evaluate-champion", flow_run_name=run_name, persist_result=False, timeout_seconds=6 * 3600)
def evaluate_champion(
    recipe: str = "local",
    data: str = "",
    benchmark: str = "world-test",
    path: str = "",
    limit: int | None = None,
    which: str = "champion",
) -> str:
    """Score a registered model on a benchmark and keep the table.

    Args:
        recipe: File name in recipes/, without .yaml.
        data: The instructions' file, for recipes that read one.
        benchmark: A name of `verif bench list`.
        path: The benchmark's file; empty for the prepared splits.
        limit: Only the first rows; empty takes all.
        which: A version number or an alias in the registry.
    """
    with workspace(None, recipe, data, {}) as place:
        bring_judge(place)
        fetched = command.with_options(task_run_name="fetch")(
            place.root, place.run_id, ["models", "--fetch", which], 3600
        )
        model = fetched.strip().splitlines()[-1]
        arguments = ["bench", "run", benchmark, "--model", model, *(["--path", path] if path else [])]
        arguments += ["--limit", str(limit)] if limit else []
        table = command.with_options(task_run_name="score")(place.root, place.run_id, arguments, 5 * 3600)
        create_markdown_artifact(
            markdown=f"```\n{table}\n```", key="champion-scores", description=f"{which} on {benchmark}"
        )
        return table


@flow(name="audit-verifier", flow_run_name=run_name, persist_result=False, timeout_seconds=6 * 3600)
def audit_verifier(recipe: str = "local", data: str = "") -> None:
    """Audit the recipe's verifier: accuracy, attacks, determinism, cost. Fails when it is not fit to teach.

    Args:
        recipe: File name in recipes/, without .yaml.
        data: The instructions' file, for recipes that read one.
    """
    with workspace(None, recipe, data, {}) as place:
        bring_judge(place)
        try:
            command.with_options(task_run_name="audit")(
                place.root, place.run_id, ["audit", "--check"], 5 * 3600
            )
        finally:
            artifacts.publish(place.root, "verifier")


@task(retries=0, cache_policy=NO_CACHE, persist_result=False)
def spoil(root: Path, run_id: str) -> dict[str, int]:
    """The mutants, each before its tests; how many there were and how many were killed."""
    told = run_command(root, run_id, [sys.executable, "-m", "benchmarks.mutants"], deadline_s=2 * 3600)
    figure: dict[str, int] = json.loads(told.strip().splitlines()[-1])
    create_markdown_artifact(
        markdown=f"{figure['killed']} of {figure['mutants']} killed\n\n```\n{told}\n```",
        key="mutants",
        description="One-line mutations of what keeps the promises, and whether a test noticed",
    )
    return figure


@flow(name="mutants", flow_run_name=run_name, persist_result=False, timeout_seconds=3 * 3600)
def mutants() -> dict[str, int]:
    """Spoil one line at a time of what keeps the promises; fails when no test notices."""
    with workspace(None, "local", "", {}) as place:
        figure = spoil(place.root, place.run_id)
    if figure["killed"] < figure["mutants"]:
        raise VerifError(
            f"{figure['mutants'] - figure['killed']} of {figure['mutants']} mutants were not killed.",
            "The artifact `mutants` names them: each wants a test.",
        )
    return figure


@flow(name="rescore", flow_run_name=run_name, persist_result=False, timeout_seconds=6 * 3600)
def rescore(verifier: str, run: str = "reports/train", errors_only: bool = False) -> str:
    """Judge stored rollouts again under another verifier and report what changed.

    Args:
        verifier: A recipe's name, or the URL of a running verifier service.
        run: Folder of rollouts. Of a relative one, the newest: every run that has ended has its own, in its clone.
        errors_only: Ask again only where there was an error.
    """
    # Where the rollouts are, the judge is too; and while its lock is held, that clone is not deleted.
    root = newest_run(Path.cwd().resolve(), run)
    with only_run(root, uuid.uuid4().hex[:12]) as run_id:
        arguments = ["rescore", run, "--verifier", verifier, *(["--errors-only"] if errors_only else [])]
        told = command.with_options(task_run_name="rescore")(root, run_id, arguments, 5 * 3600)
        create_markdown_artifact(
            markdown=f"```\n{told}\n```", key="rescored", description=f"{root / run} under {verifier}"
        )
        return told
