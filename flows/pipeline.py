"""The pipeline as a Prefect flow: one task per DVC stage, read from DVC's graph. No logic here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows import artifacts
from flows.executors import Executor, execute, preflight, release_verifier
from flows.workspace import workspace
from verif.errors import StageError
from verif.pipeline.run import select
from verif.system.dvc import stage_names
from verif.system.run_cache import restore_missing


async def heals(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry what a second attempt may meet differently; everything else fails at once."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, StageError) and error.can_heal


@task(
    retries=1, retry_delay_seconds=10, retry_condition_fn=heals, cache_policy=NO_CACHE, persist_result=False
)
def run_one(root: Path, stage: str, run_id: str, executor: Executor) -> bool:
    """One stage where its recipe says; False when it was up to date, and then its artifacts are there already."""
    outcome = execute(root, stage, run_id, executor)
    if outcome.ran:
        artifacts.publish(root, stage)
    return outcome.ran


@flow(name="pipeline", persist_result=False, validate_parameters=True)
def pipeline(
    recipe: str = "local",
    data: str = "",
    overrides: dict[str, Any] | None = None,
    from_stage: str | None = None,
    executor: Executor = "recipe",
    directory: str | None = None,
) -> list[str]:
    """Prepare, train, evaluate and register: the stages of dvc.yaml that are out of date.

    Args:
        recipe: File name in recipes/, without .yaml.
        data: The instructions' file, for recipes that read one. Empty: the local world.
        overrides: Recipe values for this run only, e.g. {"train.learning_rate": 0.0005}.
        from_stage: Run no stage before this one. Their results, where they are not here, come from the cache or the remote.
        executor: "recipe" obeys each stage's resources; "local" runs everything here.
        directory: Work in this directory. Empty: in a clone of the deployed commit, so that two runs cannot meet.

    Returns the names of the stages that ran.
    """
    ran: list[str] = []
    with workspace(directory, recipe, data, overrides or {}) as place:
        names = stage_names(place.root)
        stages = select(names, from_stage)
        preflight(place, stages, executor)
        restore_missing(place.root, names[: -len(stages)])
        try:
            for stage in stages:
                if run_one.with_options(name=stage, task_run_name=stage)(
                    place.root, stage, place.run_id, executor
                ):
                    ran.append(stage)
        finally:
            release_verifier(place.root)
        for message in reconcile(place.root):
            print(message)
        artifacts.links(place.root)
    return ran


@task(name="reconcile", cache_policy=NO_CACHE, persist_result=False)
def reconcile(root: Path) -> list[str]:
    """A cached `register` and an empty registry must still end registered; says what had to be done."""
    from verif.project import load_stage
    from verif.registry.reconcile import reconcile as with_registry

    return with_registry(load_stage(root))
