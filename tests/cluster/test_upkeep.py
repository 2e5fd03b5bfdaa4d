"""The verifier on a cluster: brought up once, shared, owned by one Deployment, and gone when no stage asks it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.watched import QUICK

from verif.cluster.config import Cluster
from verif.cluster.jobs import job
from verif.cluster.request import StageRequest
from verif.cluster.state import ObjectState
from verif.cluster.verifier import name_of
from verif.cluster.verifier_lease import bring_up, release
from verif.errors import ClusterError
from verif.recipe import Recipe, Resources


@pytest.fixture
def judged(recipe: Recipe) -> Recipe:
    need = Resources(executor="kubernetes", gpus=8, nodes=2)
    return recipe.model_copy(update={"resources": {**recipe.resources, "verifier": need}})


async def available(server: Any, name: str) -> None:
    """What the controllers do: both Deployments get their replicas."""
    for one in (f"{name}-judge", name):
        while ("deployments", one) not in server.objects:
            await asyncio.sleep(0.02)
        server.update("deployments", one, availableReplicas=1)


async def test_it_comes_up_with_its_judge_and_a_second_run_shares_it(
    server: Any, kube: Any, judged: Recipe, cluster: Cluster
) -> None:
    name = name_of(judged, cluster)
    controllers = asyncio.create_task(available(server, name))
    assert await bring_up(kube, judged, cluster, lambda _: None, QUICK) == name
    await controllers
    kinds = sorted(plural for plural, _ in server.objects)
    assert kinds == ["configmaps", "deployments", "deployments", "networkpolicies", "networkpolicies",
                     "poddisruptionbudgets", "services", "services"]  # fmt: skip
    main = server.objects["deployments", name]["metadata"]["uid"]
    owners = {o["metadata"]["name"]: o["metadata"].get("ownerReferences") for o in server.objects.values()}
    assert owners[f"{name}-judge"][0]["uid"] == main
    assert server.objects["deployments", f"{name}-judge"]["spec"]["replicas"] == 2
    made = list(server.created)
    assert await bring_up(kube, judged, cluster, lambda _: None, QUICK) == name
    assert server.created == made


@pytest.mark.slow
async def test_it_stays_while_a_job_asks_it_and_goes_with_everything_it_owns(
    server: Any, kube: Any, judged: Recipe, cluster: Cluster
) -> None:
    name = name_of(judged, cluster)
    controllers = asyncio.create_task(available(server, name))
    await bring_up(kube, judged, cluster, lambda _: None, QUICK)
    await controllers
    request = StageRequest(judged, "train", "c" * 40, verifier=name)
    await kube.create(job(request, cluster))
    assert await release(kube, judged, cluster) is False
    assert ("deployments", name) in server.objects
    server.condition("jobs", request.name, "Complete")
    assert await release(kube, judged, cluster) is True
    await asyncio.sleep(0.3)
    assert [plural for plural, _ in server.objects] == ["jobs"]


@pytest.mark.slow
async def test_a_judge_that_cannot_start_says_why_before_any_gpu_trains(
    server: Any, kube: Any, judged: Recipe, cluster: Cluster
) -> None:
    name = f"{name_of(judged, cluster)}-judge"
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}
    server.pods = [
        {"metadata": {"name": f"{name}-x1", "labels": {"app.kubernetes.io/name": name}}, "spec": {},
         "status": {"phase": "Pending", "containerStatuses": [{"state": waiting}]}}
    ]  # fmt: skip
    said: list[ObjectState] = []
    with pytest.raises(ClusterError, match=r"not ready.*ImagePullBackOff: manifest unknown"):
        await bring_up(kube, judged, cluster, said.append, QUICK)
    assert said[-1].cause == "image"


def test_a_stage_that_asks_it_knows_where_it_is_and_holds_no_judge_of_its_own(
    judged: Recipe, cluster: Cluster
) -> None:
    name = name_of(judged, cluster)
    train = StageRequest(judged, "train", "c" * 40, verifier=name)
    assert train.environment["VERIF_VERIFIER_URL"] == f"http://{name}:8600"
    assert StageRequest(judged, "verifier", "c" * 40).resources.gpus == 0
    other = cluster.model_copy(update={"images": {**cluster.images, "verifier": "r/v@sha256:" + "1" * 64}})
    assert name_of(judged, other) != name


QUOTA = 'pods "x-judge-1" is forbidden: exceeded quota: verif, requested: requests.nvidia.com/gpu=8, used: 16'
POLICY = 'pods "x-judge-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'


@pytest.mark.slow
@pytest.mark.parametrize(("cause", "words"), [("quota", QUOTA), ("admission", POLICY)])
@pytest.mark.parametrize("where", ["condition", "event"])
async def test_a_judge_whose_pods_are_refused_says_so_while_the_service_runs(
    server: Any, kube: Any, judged: Recipe, cluster: Cluster, cause: str, words: str, where: str
) -> None:
    name = name_of(judged, cluster)
    judge = f"{name}-judge"

    async def controllers() -> None:
        while ("deployments", judge) not in server.objects:
            await asyncio.sleep(0.02)
        if where == "condition":
            server.condition("deployments", judge, "ReplicaFailure", "FailedCreate", words)
        else:  # the ReplicaSet's events are there first, and its name is the Deployment's with a hash
            server.event("ReplicaSet", f"{judge}-7c9f", "FailedCreate", f"Error creating: {words}")

    server.pods = [
        {"metadata": {"name": f"{name}-x1", "labels": {"app.kubernetes.io/name": name}}, "spec": {},
         "status": {"phase": "Running"}}
    ]  # fmt: skip
    made = asyncio.create_task(controllers())
    said: list[ObjectState] = []
    with pytest.raises(ClusterError, match=rf"not ready: {judge}.*is forbidden"):
        await asyncio.wait_for(bring_up(kube, judged, cluster, said.append, QUICK), 10)
    await made
    assert said[-1].cause == cause
    assert words in said[-1].message
    assert judge in said[-1].message
