"""The pipeline as a Prefect flow: one task per DVC stage, read from DVC's graph. No logic here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import Task

from flows import artifacts
from flows.executors import Executor, execute, preflight, release_verifier
from flows.names import run_name
from flows.turns import asked, turn_of
from flows.workspace import workspace
from verif.errors import StageError
from verif.pipeline.run import select
from verif.pipeline.telling import alarms, told
from verif.registry import headline, sentences
from verif.system.dvc import stage_names
from verif.system.run_cache import restore_missing


async def heals(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry what a second attempt may meet differently; everything else fails at once."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, StageError) and error.can_heal


@task(
    retries=1, retry_delay_seconds=10, retry_condition_fn=heals, cache_policy=NO_CACHE, persist_result=False
)
def run_one(root: Path, stage: str, run_id: str, executor: Executor) -> State[bool]:
    """One stage where its recipe says. Its state is named Unchanged, Restored, Alarm or Completed, and says what came out."""
    outcome = execute(root, stage, run_id, executor, turn_of(root, stage))
    said = told(root, outcome)
    get_run_logger().info("%s: %s", stage, said)
    if outcome.ran:  # otherwise its artifacts are there already
        asked(lambda: artifacts.publish(root, stage), f"the artifacts of {stage}")
    name = "Restored" if outcome.restored else "Completed" if outcome.ran else "Unchanged"
    if (
        stage == "train" and name == "Completed" and (raised := alarms(root))
    ):  # a restored one was told of when it ran
        name = "Alarm"
        emit_event("verif.alarm", current_run(), payload={"alarms": raised, "said": said})
    return Completed(name=name, message=said, data=outcome.ran)


def current_run() -> dict[str, str]:
    """The flow run under way, as a resource of Prefect's events."""
    return {
        "prefect.resource.id": f"prefect.flow-run.{flow_run.id}",
        "prefect.resource.name": str(flow_run.name),
    }


@flow(name="pipeline", flow_run_name=run_name, persist_result=False, validate_parameters=True)
def pipeline(
    recipe: str = "local",
    data: str = "",
    overrides: dict[str, Any] | None = None,
    from_stage: str | None = None,
    executor: Executor = "recipe",
    directory: str | None = None,
) -> State[list[str]]:
    """Prepare, train, evaluate and register: the stages of dvc.yaml that are out of date.

    Args:
        recipe: File name in recipes/, without .yaml.
        data: The instructions' file, for recipes that read one. Empty: the local world.
        overrides: Recipe values for this run only, e.g. {"train.learning_rate": 0.0005}.
        from_stage: Run no stage before this one. Their results, where they are not here, come from the cache or the remote.
        executor: "recipe" obeys each stage's resources; "local" runs everything here.
        directory: Work in this directory. Empty: in a clone of the deployed commit, so that two runs cannot meet.

    Its state holds the names of the stages that ran; it is named Refused where the promotion gate refuses the model.
    """
    ran: list[str] = []
    with workspace(directory, recipe, data, overrides or {}) as place:
        names = stage_names(place.root)
        stages = select(names, from_stage)
        preflight(place, stages, executor)
        restore_missing(place.root, names[: -len(stages)])
        try:
            for stage in stages:
                state = run_one.with_options(name=stage, task_run_name=stage)(
                    place.root, stage, place.run_id, executor
                )
                if state.name != "Unchanged":
                    ran.append(stage)
        finally:
            release_verifier(place.root)
        for message in reconcile(place.root):
            get_run_logger().info(message)
            print(message)
        asked(lambda: artifacts.links(place.root), "the report")
        return ended(place.root, ran)


def ended(root: Path, ran: list[str]) -> State[list[str]]:
    """The flow's last state: Completed or Refused, with the headline in its message."""
    said = headline.read(root)
    if said is None:
        return Completed(message=f"Stages that ran: {', '.join(ran) or 'none'}.", data=ran)
    words = sentences.summary(said)
    get_run_logger().info(words)
    return Completed(name="Completed" if said.gate else "Refused", message=words, data=ran)


@task(name="registry", task_run_name="registry", cache_policy=NO_CACHE, persist_result=False)
def reconcile(root: Path) -> list[str]:
    """A cached `register` and an empty registry must still end registered; says what had to be done."""
    from verif.project import load_stage
    from verif.registry.reconcile import reconcile as with_registry

    return with_registry(load_stage(root))
