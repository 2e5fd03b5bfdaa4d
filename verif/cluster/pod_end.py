"""Why a pod ended, in its own words: its conditions, its reason, its containers' exit codes; events when it is gone."""

from __future__ import annotations

import re

from verif.cluster.pod_spec import Manifest
from verif.cluster.state import RETRIABLE, Cause, Told

PodCauses = dict[str, Told | None]  # what each pod, by name, was last seen to say about its end
DISRUPTION: dict[str, Cause] = {
    "PreemptionByScheduler": "preempted",
    "DeletionByTaintManager": "node-lost",
    "DeletionByPodGC": "node-lost",
    "EvictionByEvictionAPI": "evicted",
    "TerminationByKubelet": "evicted",
}
POD_REASONS: dict[str, Cause] = {
    "Evicted": "evicted",
    "Preempting": "preempted",
    "NodeLost": "node-lost",
    "NodeShutdown": "node-lost",
    "Shutdown": "node-lost",
    "Terminated": "node-lost",
    "NodeAffinity": "node-lost",
    "UnexpectedAdmissionError": "node-lost",
}
POD_EVENTS: dict[str, Cause] = {
    "Evicted": "evicted",
    "Preempted": "preempted",
    "Preempting": "preempted",
    "TaintManagerEviction": "node-lost",
    "NodeNotReady": "node-lost",
}
OVERFILLED = re.compile(
    r"^Usage of EmptyDir volume \"(?P<volume>[^\"]+)\" exceeds"
    r"|^Pod ephemeral local storage usage exceeds"
    r"|exceeded its local ephemeral storage limit"
)
"""The kubelet's words for a pod that wrote more than it may: it is evicted too, but by its own doing."""


def pod_causes(pods: list[Manifest]) -> PodCauses:
    """What each pod says about its end; None while it says nothing (a disruption can be called off)."""
    return {pod["metadata"]["name"]: _pod_failure(pod) for pod in pods}


def most_telling(causes: PodCauses) -> Told | None:
    """The cluster's doing first, then too little memory: other pods' exit codes are often consequences of these."""
    told = [cause for cause in causes.values() if cause is not None]
    return min(
        told,
        key=lambda t: (t[0] not in RETRIABLE, t[0] not in ("oom", "scratch"), t[0] == "deleted"),
        default=None,
    )


def is_disruption(told: Told | None) -> bool:
    """Whether it is what the cluster did."""
    return told is not None and told[0] in RETRIABLE


def disruption(pod: Manifest) -> Told | None:
    """What the cluster is about to do to the pod, or has done, while that stands."""
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            reason = condition.get("reason", "")
            words = f"{pod['metadata']['name']}: {reason}: {condition.get('message', '')}"
            return DISRUPTION.get(reason, "evicted"), words
    return None


def containers(pod: Manifest) -> list[Manifest]:
    """The statuses of all containers; KubeRay's workers have an init container that we did not write."""
    status = pod.get("status", {})
    return [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]


def last_event(events: list[Manifest]) -> Told | None:
    """What the last event about a pod says that the cluster did to it."""
    told: dict[str, Told] = {}
    for event in events:
        about, reason, message = event["involvedObject"], event.get("reason", ""), event.get("message", "")
        if about.get("kind") != "Pod" or reason not in POD_EVENTS:
            continue
        told.pop(about["name"], None)  # the last event counts, and its place in the order
        if not message.startswith("Cancelling deletion"):  # the taint manager: the node came back in time
            told[about["name"]] = _by_reason(POD_EVENTS[reason], about["name"], reason, message)
    return next(reversed(told.values()), None)


def _pod_failure(pod: Manifest) -> Told | None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    if (told := disruption(pod)) is not None:
        return told
    reason = status.get("reason", "")
    if reason in POD_REASONS:
        return _by_reason(POD_REASONS[reason], name, reason, status.get("message", ""))
    for container in containers(pod):
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get(
            "terminated"
        )
        if ended and ended.get("exitCode", 0) != 0:
            return _exit(pod, container["name"], ended)
    return None


def _by_reason(cause: Cause, name: str, reason: str, message: str) -> Told:
    """The kubelet says Evicted both when the node is short of something and when the pod overfilled its own scratch."""
    words, overfilled = f"{name}: {reason}: {message}", OVERFILLED.search(message)
    if cause != "evicted" or overfilled is None:
        return cause, words
    key = "shared_memory_gb" if overfilled["volume"] == "shm" else "scratch_gb"
    return "scratch", f"{words.rstrip('. ')}. Raise {key} in the cluster file."


def _exit(pod: Manifest, container: str, ended: Manifest) -> Told:
    code, reason = ended["exitCode"], ended.get("reason", "")
    last = str(ended.get("message", "")).strip().splitlines()
    words = f"{pod['metadata']['name']}, {container}: exit code {code} ({reason})"
    words += f": {last[-1]}" if last else ""
    if reason == "OOMKilled":
        return "oom", f"{words}. Raise memory_gb in the recipe's resources."
    if code in (137, 143) and pod["metadata"].get("deletionTimestamp"):
        return "deleted", f"{words}: killed because the pod was deleted, and nobody says why"
    if code == 137:  # seen: out of memory is not always reported as OOMKilled
        return "oom", f"{words}: killed, most often for memory. Raise memory_gb in the recipe's resources."
    return "exit", words
