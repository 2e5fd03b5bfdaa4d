"""What state is a cluster object in, and why? Pure: object, pods and events in, `State` out.

Every verdict carries the controller's own words. `retriable` is true only for what the cluster did to the
stage (eviction, preemption, a lost node); what the stage did itself is never retried. Pods know the cause best
and are often gone when the controller gives its reason, so what they said earlier (`seen`) counts as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from verif.cluster.pod_spec import Manifest

Phase = Literal["suspended", "pending", "running", "succeeded", "failed"]
Cause = Literal[
    "", "queue", "unschedulable", "image", "config", "quota", "admission", "evicted", "preempted", "node-lost",
    "oom", "exit", "deadline", "deleted", "submission", "unknown",
]  # fmt: skip
RETRIABLE: frozenset[str] = frozenset({"evicted", "preempted", "node-lost"})
Told = tuple[Cause, str]  # the cause of an end, and the words that go with it
PodCauses = dict[str, Told | None]  # what each pod, by name, was last seen to say about its end
IMAGE = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
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


@dataclass(frozen=True, slots=True)
class State:
    """A phase, its cause and the words for the user."""

    phase: Phase
    cause: Cause = ""
    message: str = ""

    @property
    def final(self) -> bool:
        """Nothing more will happen."""
        return self.phase in ("succeeded", "failed")

    @property
    def retriable(self) -> bool:
        """The cluster's doing: a new attempt resumes from the last checkpoint."""
        return self.phase == "failed" and self.cause in RETRIABLE


def assess(
    obj: Manifest, pods: list[Manifest], events: list[Manifest], seen: PodCauses | None = None
) -> State:
    """The state of a Job or a RayJob; `seen` holds what pods said at earlier looks."""
    if obj["metadata"].get("deletionTimestamp"):
        return State(
            "failed", "deleted", f"{obj['kind']} {obj['metadata']['name']} is being deleted by someone else."
        )
    told = _most_telling((seen or {}) | pod_causes(pods))
    if obj["kind"] == "RayJob":
        return _rayjob(obj, pods, events, told)
    return _job(obj, pods, events, told)


def pod_causes(pods: list[Manifest]) -> PodCauses:
    """What each pod says about its end; None while it says nothing (a disruption can be called off)."""
    return {pod["metadata"]["name"]: _pod_failure(pod) for pod in pods}


def _most_telling(causes: PodCauses) -> Told | None:
    """The cluster's doing first, then too little memory: other pods' exit codes are often consequences of these."""
    told = [cause for cause in causes.values() if cause is not None]
    return min(told, key=lambda t: (t[0] not in RETRIABLE, t[0] != "oom", t[0] == "deleted"), default=None)


def _disrupted(told: Told | None) -> bool:
    return told is not None and told[0] in RETRIABLE


def _conditions(obj: Manifest) -> dict[str, Manifest]:
    return {c["type"]: c for c in obj.get("status", {}).get("conditions") or [] if c.get("status") == "True"}


def _job(obj: Manifest, pods: list[Manifest], events: list[Manifest], told: Told | None) -> State:
    conditions = _conditions(obj)
    if "Complete" in conditions:
        return State("succeeded")
    if "Failed" in conditions:
        reason, message = conditions["Failed"].get("reason", ""), conditions["Failed"].get("message", "")
        if reason == "PodFailurePolicy" and not _disrupted(told):
            told = "evicted", "the pod was disrupted"  # the one rule that our Jobs have (see `jobs.job`)
        return _failure(reason, message, told)
    # the one stands some milliseconds before Complete, the other until the pods have ended before Failed
    if "SuccessCriteriaMet" in conditions or "FailureTarget" in conditions:
        return State("running", message="finishing")
    if obj["spec"].get("suspend") or "Suspended" in conditions:
        return State("suspended", "queue", _queue_words(obj, events))
    return pods_state(pods, events)


def _rayjob(obj: Manifest, pods: list[Manifest], events: list[Manifest], told: Told | None) -> State:
    status = obj.get("status") or {}
    deployment, job = status.get("jobDeploymentStatus", ""), status.get("jobStatus", "")
    reason, message = status.get("reason", ""), status.get("message", "")
    if deployment == "Complete" and job == "SUCCEEDED":
        return State("succeeded")
    if deployment in ("Complete", "Failed", "ValidationFailed"):
        if deployment == "ValidationFailed":
            return State("failed", "admission", f"KubeRay refused the RayJob: {message or reason}")
        if told is not None and told[0] == "deleted":  # KubeRay itself deletes the pods of a failed job
            told = None
        if not _disrupted(told):  # KubeRay's reason is the same whether the job failed or lost a pod
            told = _pod_event(events) or told
        if reason == "SubmissionFailed" and told is None:
            return State("failed", "submission", f"KubeRay could not submit the job: {message}")
        return _failure(reason or f"job {job}", message, told)
    if deployment in ("Suspended", "Suspending") or obj["spec"].get("suspend"):
        return State("suspended", "queue", _queue_words(obj, events))
    if job == "RUNNING":
        return State("running")
    return pods_state(pods, events)


def _queue_words(obj: Manifest, events: list[Manifest]) -> str:
    queue = obj["metadata"].get("labels", {}).get("kueue.x-k8s.io/queue-name", "")
    said = next(
        (e.get("message", "") for e in reversed(events) if "kueue" in str(e.get("source", "")).lower()), ""
    )
    return f"waiting in queue {queue}. {said}".strip() if queue else f"suspended. {said}".strip()


def _failure(reason: str, message: str, told: Told | None) -> State:
    """A finished failure: the pods know more than the controller, except about the deadline."""
    if "DeadlineExceeded" in reason:
        return State("failed", "deadline", f"{reason}: {message}")
    if told is None:
        return State("failed", "unknown", f"{reason}: {message}")
    return State("failed", told[0], f"{told[1]} ({reason}: {message})")


def _pod_failure(pod: Manifest) -> Told | None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for condition in status.get("conditions") or []:
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            reason = condition.get("reason", "")
            return DISRUPTION.get(reason, "evicted"), f"{name}: {reason}: {condition.get('message', '')}"
    reason = status.get("reason", "")
    if reason in POD_REASONS:
        return POD_REASONS[reason], f"{name}: {reason}: {status.get('message', '')}"
    for container in _containers(pod):
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get(
            "terminated"
        )
        if ended and ended.get("exitCode", 0) != 0:
            return _exit(pod, container["name"], ended)
    return None


def _containers(pod: Manifest) -> list[Manifest]:
    """The statuses of all containers; KubeRay's workers have an init container that we did not write."""
    status = pod.get("status", {})
    return [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]


def _pod_event(events: list[Manifest]) -> Told | None:
    """What the last event about a pod says that the cluster did to it."""
    told: dict[str, Told] = {}
    for event in events:
        about, reason, message = event["involvedObject"], event.get("reason", ""), event.get("message", "")
        if about.get("kind") != "Pod" or reason not in POD_EVENTS:
            continue
        told.pop(about["name"], None)  # the last event counts, and its place in the order
        if not message.startswith("Cancelling deletion"):  # the taint manager: the node came back in time
            told[about["name"]] = POD_EVENTS[reason], f"{about['name']}: {reason}: {message}"
    return next(reversed(told.values()), None)


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


def pods_state(pods: list[Manifest], events: list[Manifest]) -> State:
    """Not finished: what holds the pods up?"""
    if not pods:
        return _no_pods(events)
    for pod in pods:
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason") in IMAGE:
                return State("pending", "image", f"{waiting['reason']}: {waiting.get('message', '')}")
            if waiting.get("reason") in CONFIG:
                return State("pending", "config", f"{waiting['reason']}: {waiting.get('message', '')}")
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return State("pending", "unschedulable", condition.get("message", "no node fits"))
    if any(pod.get("status", {}).get("phase") == "Running" for pod in pods):
        return State("running")
    return State("pending", message="starting")


def _no_pods(events: list[Manifest]) -> State:
    for event in reversed(events):
        if event.get("reason") == "FailedCreate":
            message = event.get("message", "")
            if "exceeded quota" in message:
                return State("pending", "quota", message)
            if re.search(r"admission webhook|denied the request|violates PodSecurity|is forbidden", message):
                return State("pending", "admission", message)
            return State("pending", "unknown", message)
    return State("pending", message="no pod yet")
