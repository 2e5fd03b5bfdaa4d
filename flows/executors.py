"""Where a stage runs: in a process here, or as a Job or RayJob on Kubernetes. The recipe's resources say which."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Literal

from flows.logs import heard
from flows.workspace import Place
from verif.cluster.request import goes_to_cluster
from verif.errors import ClusterError
from verif.pipeline.run import StageResult, Turn, parent_run, run_stage
from verif.project import load_stage, read_parameters, reads_file, recorded_overrides
from verif.recipe import Recipe, Resources
from verif.system.dvc import changed
from verif.system.git import git
from verif.system.run_cache import dvc

Executor = Literal["recipe", "local"]
CLUSTER_FILE = Path("infra/cluster.yaml")
BROUGHT_UP = Path(".verif/verifier-on-cluster")
PUSH_HINT = "Pods get their inputs from the DVC remote: `dvc remote list`."
log = logging.getLogger("verif.flows")


def resources_of(recipe: Recipe, stage: str) -> Resources:
    """What the recipe asks for; a stage it does not name gets the defaults."""
    return recipe.resources.get(stage, Resources())


def preflight(place: Place, stages: Sequence[str], executor: Executor) -> None:
    """Once, before anything runs: all that stages on the cluster need is there, or one error says what is not."""
    recipe = load_stage(place.root).recipe
    if executor != "recipe" or not any(goes_to_cluster(recipe, stage) for stage in stages):
        return
    from verif.cluster.doctor import examine, require

    overrides = recorded_overrides(place.root)
    require(examine(place.root, recipe, place.root / CLUSTER_FILE, base=place.base, overrides=overrides))


def execute(root: Path, stage: str, run_id: str, executor: Executor, turn: Turn = nullcontext) -> StageResult:
    """Bring one stage up to date, wherever it belongs; work of this machine's processes waits for its `turn`."""
    recipe = load_stage(root).recipe
    wanted = resources_of(recipe, stage)
    if executor == "recipe" and wanted.executor == "kubernetes":
        return on_cluster(root, stage, run_id, recipe)
    extra = {"VERIF_EXECUTOR": "kubernetes"} if wanted.executor == "kubernetes" else {}
    outcome = run_stage(root, stage, run_id, deadline_s=wanted.deadline_h * 3600, extra=extra, turn=turn)
    if (
        outcome.ran
        and executor == "recipe"
        and any(r.executor == "kubernetes" for r in recipe.resources.values())
    ):
        dvc(root, "push", "--run-cache", hint=PUSH_HINT)
    return outcome


def release_verifier(root: Path) -> None:
    """At a run's end, however it ended: the verifier that it brought up goes, unless a Job of another run asks it."""
    if not (root / BROUGHT_UP).exists():
        return
    from verif.cluster import verifier_lease as upkeep
    from verif.cluster.client import Kube
    from verif.cluster.config import load_cluster

    recipe, cluster = load_stage(root).recipe, load_cluster(root / CLUSTER_FILE)

    async def let_go() -> bool:
        async with Kube.connected(cluster, patience_s=60) as kube:
            return await upkeep.release(kube, recipe, cluster)

    with heard():
        try:
            asyncio.run(let_go())
            (root / BROUGHT_UP).unlink()
        except ClusterError as error:  # what the run has to say is more important
            log.warning(
                "the verifier may still hold its GPUs (`verif cluster release %s`): %s", recipe.name, error
            )


def on_cluster(root: Path, stage: str, run_id: str, recipe: Recipe) -> StageResult:
    """Restore the result if the run-cache has it; otherwise have the cluster make it, then restore it."""
    from verif.cluster import verifier_lease as upkeep
    from verif.cluster import watch
    from verif.cluster.client import Kube
    from verif.cluster.config import load_cluster
    from verif.cluster.render import ASKS_VERIFIER
    from verif.cluster.request import StageRequest
    from verif.system import run_cache as transport

    begun = time.monotonic()
    if not changed(root, stage):
        return StageResult(stage, ran=False, seconds=time.monotonic() - begun)
    transport.fetch_run_cache(root)
    known = transport.has_result(root, stage)
    if not known:
        cluster = load_cluster(root / CLUSTER_FILE)
        # What was up to date or restored here never went to the remote.
        dvc(root, "push", "--run-cache", hint=PUSH_HINT)
        request = StageRequest(
            recipe,
            stage,
            git(root, "rev-parse", "HEAD"),
            recorded_overrides(root),
            run_id=run_id,  # for the pod; the object's name does not hold it
            data=read_parameters(root)["data"] if reads_file(recipe) else "",
            parent=parent_run(
                root, run_id
            ),  # one run of the pipeline is one run of MLflow, wherever its stages are
        )

        async def submit_and_watch() -> None:
            wanted = request
            async with Kube.connected(cluster) as kube:
                if stage in ASKS_VERIFIER and goes_to_cluster(recipe, "verifier"):
                    (root / BROUGHT_UP).touch()
                    name = await upkeep.bring_up(kube, recipe, cluster)
                    wanted = replace(request, verifier=name)
                await watch.execute(kube, wanted, cluster)

        with heard():
            log.info("=== %s", stage)
            asyncio.run(submit_and_watch())
            log.info("=== %s: %.0f s", stage, time.monotonic() - begun)
        transport.fetch_run_cache(root)
    transport.restore(root, stage)
    return StageResult(stage, ran=True, seconds=time.monotonic() - begun, restored=known)
