"""The verifier of a run on the cluster: brought up before the first stage that asks it, gone when no stage does.

Its name is a function of its content, so that two runs with the same verifier share one. Everything belongs to the
service's Deployment: deleting that deletes the judge and the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from verif.cluster.assess import State, assess, pods_state
from verif.cluster.client import Kube, Refused
from verif.cluster.config import Cluster
from verif.cluster.pod_spec import Manifest, owner_references
from verif.cluster.request import VERIFIER_LABEL
from verif.cluster.verifier import name_of, verifier
from verif.cluster.watch import Patience
from verif.errors import ClusterError
from verif.recipe import Recipe

log = logging.getLogger("verif.cluster")
STUCK = ("image", "config", "quota", "admission")


async def bring_up(
    kube: Kube,
    recipe: Recipe,
    cluster: Cluster,
    report: Callable[[State], None],
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
    for manifest in manifests:
        if manifest is not main:
            manifest["metadata"] |= owner_references(owner)
            await _create(kube, manifest)
    wanted = [m["metadata"]["name"] for m in manifests if m["kind"] == "Deployment"]
    last, since, begun = State("pending"), time.monotonic(), time.monotonic()
    while True:
        waiting = [one for one in wanted if not await _available(kube, one)]
        if not waiting:
            return name
        pods = [pod for one in waiting for pod in await kube.pods(f"app.kubernetes.io/name={one}")]
        events = [event for pod in pods for event in await kube.events(pod["metadata"]["name"])]
        state = pods_state(pods, events)
        if state != last:
            report(state)
        if (state.phase, state.cause) != (last.phase, last.cause):
            since = time.monotonic()
        last = state
        now = time.monotonic()
        if (state.cause in STUCK and now - since > patience.stuck_s) or now - begun > start_s:
            tail = "".join([await kube.logs(pod["metadata"]["name"]) for pod in pods[:1]])
            raise ClusterError(
                f"the verifier {name} is not ready: {', '.join(waiting)}: {state.message or state.phase}.",
                tail,
            )
        await asyncio.sleep(patience.poll_s)


async def _create(kube: Kube, manifest: Manifest) -> Manifest:
    try:
        return {**manifest, **await kube.create(manifest)}
    except Refused as error:
        if error.status != 409:
            raise
    if manifest["kind"] != "Deployment":
        return manifest
    found = await kube.get(manifest["kind"], manifest["metadata"]["name"])
    if found is None or found["metadata"].get("deletionTimestamp"):
        raise ClusterError(
            f"the verifier {manifest['metadata']['name']} is being taken down by another run.",
            "Run again.",
        )
    return {**manifest, **found}


async def _available(kube: Kube, name: str) -> bool:
    found = await kube.get("Deployment", name)
    return found is not None and int((found.get("status") or {}).get("availableReplicas") or 0) > 0


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
