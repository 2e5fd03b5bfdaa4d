"""What state is a cluster object in, and why? Pure: object, pods and events in, `State` out.

Every verdict carries the controller's own words. `retriable` is true only for what the cluster did to the
stage (eviction, preemption, a lost node); what the stage did itself is never retried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from verif.cluster.pods import Manifest

Phase = Literal["suspended", "pending", "running", "succeeded", "failed"]
Cause = Literal[
    "", "queue", "unschedulable", "image", "config", "quota", "admission", "evicted", "preempted", "node-lost",
    "oom", "exit", "deadline", "deleted", "submission", "unknown",
]  # fmt: skip
RETRIABLE: frozenset[str] = frozenset({"evicted", "preempted", "node-lost"})
IMAGE = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
DISRUPTION: dict[str, Cause] = {
    "PreemptionByScheduler": "preempted",
    "DeletionByTaintManager": "node-lost",
    "DeletionByPodGC": "node-lost",
    "EvictionByEvictionAPI": "evicted",
    "TerminationByKubelet": "evicted",
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


def assess(obj: Manifest, pods: list[Manifest], events: list[Manifest]) -> State:
    """The state of a Job or a RayJob."""
    if obj["metadata"].get("deletionTimestamp"):
        return State(
            "failed", "deleted", f"{obj['kind']} {obj['metadata']['name']} is being deleted by someone else."
        )
    return _rayjob(obj, pods, events) if obj["kind"] == "RayJob" else _job(obj, pods, events)


def _conditions(obj: Manifest) -> dict[str, Manifest]:
    return {c["type"]: c for c in obj.get("status", {}).get("conditions") or [] if c.get("status") == "True"}


def _job(obj: Manifest, pods: list[Manifest], events: list[Manifest]) -> State:
    conditions = _conditions(obj)
    if "Complete" in conditions:
        return State("succeeded")
    if "Failed" in conditions:
        failed = conditions["Failed"]
        return _failure(failed.get("reason", ""), failed.get("message", ""), pods)
    if "SuccessCriteriaMet" in conditions:  # stands some milliseconds before Complete
        return State("running", message="finishing")
    if obj["spec"].get("suspend") or "Suspended" in conditions:
        return State("suspended", "queue", _queue_words(obj, events))
    return pods_state(pods, events)


def _rayjob(obj: Manifest, pods: list[Manifest], events: list[Manifest]) -> State:
    status = obj.get("status") or {}
    deployment, job = status.get("jobDeploymentStatus", ""), status.get("jobStatus", "")
    reason, message = status.get("reason", ""), status.get("message", "")
    if deployment == "Complete" and job == "SUCCEEDED":
        return State("succeeded")
    if deployment in ("Complete", "Failed", "ValidationFailed"):
        if deployment == "ValidationFailed":
            return State("failed", "admission", f"KubeRay refused the RayJob: {message or reason}")
        if reason == "SubmissionFailed":
            return State("failed", "submission", f"KubeRay could not submit the job: {message}")
        return _failure(reason or f"job {job}", message, pods)
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


def _failure(reason: str, message: str, pods: list[Manifest]) -> State:
    """A finished failure: the pods know more than the controller, except about the deadline."""
    if "DeadlineExceeded" in reason:
        return State("failed", "deadline", f"{reason}: {message}")
    for pod in pods:
        found = _pod_failure(pod)
        if found:
            return State("failed", found[0], f"{found[1]} ({reason}: {message})")
    return State("failed", "unknown", f"{reason}: {message}")


def _pod_failure(pod: Manifest) -> tuple[Cause, str] | None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    disrupted = next(
        (
            c
            for c in status.get("conditions") or []
            if c["type"] == "DisruptionTarget" and c["status"] == "True"
        ),
        None,
    )
    if disrupted:
        return DISRUPTION.get(
            disrupted.get("reason", ""), "evicted"
        ), f"{name}: {disrupted.get('reason')}: {disrupted.get('message', '')}"
    reason = status.get("reason", "")
    if reason in (
        "Evicted",
        "Preempting",
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
        "NodeAffinity",
        "UnexpectedAdmissionError",
    ):
        cause: Cause = {"Evicted": "evicted", "Preempting": "preempted"}.get(reason, "node-lost")  # type: ignore[assignment]
        return cause, f"{name}: {reason}: {status.get('message', '')}"
    for container in status.get("containerStatuses") or []:
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get(
            "terminated"
        )
        if ended and ended.get("exitCode", 0) != 0:
            return _exit(name, ended)
    return None


def _exit(name: str, ended: Manifest) -> tuple[Cause, str]:
    code, reason = ended["exitCode"], ended.get("reason", "")
    last = str(ended.get("message", "")).strip().splitlines()
    words = f"{name}: exit code {code} ({reason})" + (f": {last[-1]}" if last else "")
    if reason == "OOMKilled":
        return "oom", f"{words}. Raise memory_gb in the recipe's resources."
    if code == 137:  # seen: out of memory is not always reported as OOMKilled
        return "oom", f"{words}: killed, most often for memory. Raise memory_gb in the recipe's resources."
    return "exit", words


def pods_state(pods: list[Manifest], events: list[Manifest]) -> State:
    """Not finished: what holds the pods up?"""
    if not pods:
        return _no_pods(events)
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or []:
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
