"""The verifier of a run on the cluster: brought up before the first stage that asks it, gone when no stage does.

Its name is a function of its content, so that two runs with the same verifier share one. Everything belongs to the
service's Deployment: deleting that deletes the judge and the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from verif.cluster.assess import assess
from verif.cluster.calls import ApiRefused
from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.holdup import pods_state, refused, wants_events
from verif.cluster.pod_spec import Manifest, owner_references
from verif.cluster.request import VERIFIER_LABEL
from verif.cluster.state import ObjectState
from verif.cluster.verifier import name_of, verifier
from verif.cluster.vigil import STUCK, Patience, Report, Vigil, said_in_the_log
from verif.errors import ClusterError
from verif.recipe import Recipe

log = logging.getLogger("verif.cluster")


async def bring_up(
    kube: Kube,
    recipe: Recipe,
    cluster: Cluster,
    report: Report = said_in_the_log,
    patience: Patience = Patience(),
    start_s: float = 7200.0,
) -> str:
    """The name of the recipe's verifier, when service and judge are available; what is there already is shared.

    Raises `ClusterError` with the pods' own words if they are stuck, or not ready after `start_s` (a judge of 32
    billion parameters is downloaded first).
    """
    name, manifests = name_of(recipe, cluster), verifier(recipe, cluster)
    main = next(m for m in manifests if m["kind"] == "Deployment" and m["metadata"]["name"] == name)
    owner = await _create(kube, main)
    log.info("%s: waiting for the verifier and its judge", name)
    for manifest in manifests:
        if manifest is not main:
            manifest["metadata"] |= owner_references(owner)
            await _create(kube, manifest)
    wanted = [m["metadata"]["name"] for m in manifests if m["kind"] == "Deployment"]
    vigil, begun = Vigil(name, report, patience), time.monotonic()
    while True:
        waiting = [each for each in wanted if not _available(await kube.get("Deployment", each))]
        if not waiting:
            log.info("%s: available", name)
            return name
        states = {each: await _state(kube, each) for each in waiting}
        worst = min(waiting, key=lambda each: _hopeful(states[each]))
        state = vigil.see(states[worst])
        if state.final or time.monotonic() - begun > start_s:
            pods = await kube.pods(f"app.kubernetes.io/name={worst}")
            tail = "".join([await kube.logs(pod["metadata"]["name"]) for pod in pods[:1]])
            raise ClusterError(
                f"the verifier {name} is not ready: {', '.join(waiting)}: {state.message or state.phase}.",
                tail,
            )
        await asyncio.sleep(patience.poll_s)


async def _state(kube: Kube, name: str) -> ObjectState:
    """What one Deployment waits for. Pods that quota or admission refuse exist nowhere: it, or its ReplicaSet, says so."""
    pods = [
        p
        for p in await kube.pods(f"app.kubernetes.io/name={name}")
        if not p["metadata"].get("deletionTimestamp")
    ]
    if not pods:
        deployment = await kube.get("Deployment", name)
        said = _conditions(deployment).get("ReplicaFailure") or _last_refusal(
            await kube.events_below("ReplicaSet", name)
        )
        state = refused(said)
    else:
        asked = [pod for pod in pods if wants_events(pod)]
        events = [event for pod in asked for event in await kube.events(pod["metadata"]["name"])]
        state = pods_state(pods, events)
    return replace(state, message=f"{name}: {state.message or state.phase}")


def _last_refusal(events: list[Manifest]) -> Manifest:
    return next((event for event in reversed(events) if event.get("reason") == "FailedCreate"), {})


def _hopeful(state: ObjectState) -> int:
    """The lowest is what has to be said: what is stuck, then what waits, then what runs and only is not ready."""
    if state.cause in STUCK:
        return 0
    return 1 if state.cause else 2 if state.phase == "pending" else 3


async def _create(kube: Kube, manifest: Manifest) -> Manifest:
    try:
        return {**manifest, **await kube.create(manifest)}
    except ApiRefused as error:
        if error.status != 409:
            raise
    if manifest["kind"] != "Deployment":
        return manifest
    existing = await kube.get(manifest["kind"], manifest["metadata"]["name"])
    if existing is None or existing["metadata"].get("deletionTimestamp"):
        raise ClusterError(
            f"the verifier {manifest['metadata']['name']} is being taken down by another run.",
            "Run again.",
        )
    return {**manifest, **existing}


def _available(deployment: Manifest | None) -> bool:
    return deployment is not None and int((deployment.get("status") or {}).get("availableReplicas") or 0) > 0


def _conditions(deployment: Manifest | None) -> dict[str, Manifest]:
    listed = ((deployment or {}).get("status") or {}).get("conditions") or []
    return {condition["type"]: condition for condition in listed if condition.get("status") == "True"}


async def release(kube: Kube, recipe: Recipe, cluster: Cluster) -> bool:
    """Take the recipe's verifier down unless a Job still asks it; says whether it is gone."""
    name = name_of(recipe, cluster)
    kinds = ["Job", "RayJob"] if any(r.nodes > 1 for r in recipe.resources.values()) else ["Job"]
    for kind in kinds:
        for obj in await kube.find(kind, f"{VERIFIER_LABEL}={name}"):
            if not assess({"kind": kind, **obj}, [], []).final:
                log.info("the verifier %s stays: %s asks it", name, obj["metadata"]["name"])
                return False
    await kube.delete("Deployment", name)
    return True
