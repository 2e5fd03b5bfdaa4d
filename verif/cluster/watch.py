"""Run a stage on the cluster and see it to its end: submit or adopt, watch, retry what can heal, clean up.

The object's own status decides; logs are shown when they can be had and their silence means nothing. An
orchestrator that was restarted finds its object by label and goes on; the name is a function of content, so
a stage is never submitted twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from verif.cluster import kueue
from verif.cluster.assess import assess
from verif.cluster.calls import ApiRefused
from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.holdup import wants_events
from verif.cluster.manifests import manifest
from verif.cluster.pod_end import PodCauses, pod_causes
from verif.cluster.pod_spec import Manifest
from verif.cluster.quota import exceeded, hint
from verif.cluster.request import ATTEMPT_LABEL, RUN_LABEL, StageRequest
from verif.cluster.state import ObjectState
from verif.cluster.vigil import Patience, Report, Vigil, said_in_the_log
from verif.errors import ClusterError

log = logging.getLogger("verif.cluster")


async def submit(kube: Kube, request: StageRequest, cluster: Cluster) -> Manifest:
    """Create the object, or adopt the one that is there under its name."""
    wanted = manifest(request, cluster)
    try:
        made = await kube.create(wanted)
        log.info("%s: submitted as a %s", request.name, wanted["kind"])
        return made
    except ApiRefused as error:
        if error.status == 409:
            existing = await kube.get(wanted["kind"], request.name)
            if existing is not None and existing["metadata"].get("labels", {}).get(RUN_LABEL) == request.run:
                log.info("%s: is there already; watching it", request.name)
                return existing
            raise ClusterError(
                f"an object named {request.name} exists that is not verif's.", "Delete or rename it."
            ) from None
        if exceeded(error.reason):
            raise ClusterError(f"quota exceeded: {error.reason}.", hint(error.reason)) from None
        raise


async def latest(kube: Kube, request: StageRequest, cluster: Cluster) -> Manifest | None:
    """The newest attempt of this run that the cluster knows (an orchestrator may have been restarted)."""
    kind = manifest(request, cluster)["kind"]
    attempts = await kube.find(kind, f"{RUN_LABEL}={request.run}")
    return max(attempts, key=lambda o: int(o["metadata"]["labels"].get(ATTEMPT_LABEL, "1")), default=None)


async def _look(kube: Kube, obj: Manifest, selector: str, seen: PodCauses) -> ObjectState:
    """The object's state now. `seen` learns what the pods say: they are often gone when the failure shows."""
    pods = await kube.pods(selector)
    seen |= pod_causes(pods)
    events = await kube.events(obj["metadata"]["name"])
    for pod in pods:
        events += await kube.events(pod["metadata"]["name"]) if wants_events(pod) else []
    queue = await kueue.words(kube, obj) if obj["spec"].get("suspend") else ""
    state = assess(obj, pods, events, seen, queue)
    if obj["kind"] == "RayJob" and state.phase == "failed" and not state.retriable:
        told = [event for pod in seen for event in await kube.events(pod)]  # events outlive their pod
        state = assess(obj, pods, told, seen)
    return state


def _anew(obj: Manifest, before: Manifest) -> bool:
    """The work begins anew, and the pods that were lost before (suspended, replaced) explain no later failure."""
    runs = [(o.get("status") or {}).get("jobStatus") == "RUNNING" for o in (before, obj)]
    return any(o["spec"].get("suspend") for o in (before, obj)) or runs == [False, True]


async def watch(
    kube: Kube,
    obj: Manifest,
    report: Report,
    patience: Patience = Patience(),
    clock: Callable[[], float] = time.monotonic,
) -> ObjectState:
    """See one object to its end. Reports each change of state once."""
    kind, name = obj["kind"], obj["metadata"]["name"]
    selector = f"{RUN_LABEL}={obj['metadata']['labels'][RUN_LABEL]},{ATTEMPT_LABEL}={obj['metadata']['labels'][ATTEMPT_LABEL]}"
    vigil = Vigil(name, report, patience, clock)
    poll_s = min(patience.poll_s, patience.ray_poll_s) if kind == "RayJob" else patience.poll_s
    seen: PodCauses = {}
    before = obj
    while True:
        current, version = await kube.look(kind, name)
        if current is None:
            state = ObjectState(
                "failed",
                "deleted",
                f"{kind} {name} was deleted by hand or by its TTL before it was seen to end.",
            )
        else:
            if _anew(current, before):
                seen.clear()
            before = current
            state = await _look(kube, {"kind": kind, **current}, selector, seen)
        judged = vigil.see(state)
        if judged.retriable and not state.final:
            await kube.delete(kind, name)  # and no waiting: its node, lost, may never confirm it
        elif judged.final and not state.final:
            await cancel(kube, kind, name)
        if judged.final:
            return judged
        started = clock()
        async for _ in kube.changes(kind, name, version, poll_s):
            break
        else:  # a stream that ends at once must not become a busy loop
            await asyncio.sleep(min(poll_s, max(0.0, poll_s - (clock() - started))) or 0.05)


async def cancel(kube: Kube, kind: str, name: str, seconds: float = 150.0) -> bool:
    """Delete the object and wait until it is gone (pods get their grace period); False if it still stands."""
    await kube.delete(kind, name)
    end, pause = time.monotonic() + seconds, 0.1
    while time.monotonic() < end:
        if await kube.get(kind, name) is None:
            return True
        await asyncio.sleep(pause)
        pause = min(2.0, 2 * pause)
    return False


async def execute(
    kube: Kube,
    request: StageRequest,
    cluster: Cluster,
    report: Report = said_in_the_log,
    attempts: int = 3,
    patience: Patience = Patience(),
) -> ObjectState:
    """The whole life of a stage: adopt or submit, watch, try again what the cluster did, clean up when cancelled.

    A failed stage raises `ClusterError` with the controller's reason and the last lines of its log. An attempt
    that had failed before this call is history: a new one is made.
    """
    obj = await latest(kube, request, cluster)
    if obj is not None:
        attempt = int(obj["metadata"]["labels"][ATTEMPT_LABEL])
        attempts += attempt - 1
        if assess({"kind": manifest(request, cluster)["kind"], **obj}, [], []).phase == "failed":
            request, obj, attempts = replace(request, attempt=attempt + 1), None, attempts + 1
    while True:
        if obj is not None:
            request = replace(request, attempt=int(obj["metadata"]["labels"][ATTEMPT_LABEL]))
            obj.setdefault("kind", manifest(request, cluster)["kind"])
        else:
            obj = await submit(kube, request, cluster)
        try:
            state = await watch(kube, obj, report, patience)
        except asyncio.CancelledError:
            await asyncio.shield(cancel(kube, obj["kind"], request.name))
            raise
        if state.phase == "succeeded":
            return state
        if not state.retriable or request.attempt >= attempts:
            tail = await _last_words(kube, request)
            if state.cause == "admission":  # KubeRay's refusal; it would stand there for ever
                await cancel(kube, obj["kind"], request.name)
            raise ClusterError(
                f"stage {request.stage} failed on the cluster ({state.cause}): {state.message}", tail
            )
        log.warning(
            "attempt %d of %s: %s; trying again from the last checkpoint",
            request.attempt,
            request.stage,
            state.message,
        )
        request, obj = replace(request, attempt=request.attempt + 1), None


async def _last_words(kube: Kube, request: StageRequest) -> str:
    """The end of the log of the stage's pods, for the error message."""
    for pod in await kube.pods(f"{RUN_LABEL}={request.run},{ATTEMPT_LABEL}={request.attempt}"):
        text = await kube.logs(pod["metadata"]["name"])
        if text.strip():
            return f"Last lines of {pod['metadata']['name']}:\n{text.rstrip()}"
    return ""
