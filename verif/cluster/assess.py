"""What state is a Job or a RayJob in, and why? Pure: object, pods and events in, `ObjectState` out.

Every verdict carries the controller's own words. `retriable` is true only for what the cluster did to the
stage (eviction, preemption, a lost node); what the stage did itself is never retried. Pods know the cause best
and are often gone when the controller gives its reason, so what they said earlier (`seen`) counts as well.
"""

from __future__ import annotations

from verif.cluster.holdup import pods_state, running
from verif.cluster.pod_end import PodCauses, is_disruption, last_event, most_telling, pod_causes
from verif.cluster.pod_spec import Manifest
from verif.cluster.state import ObjectState, Told


def assess(
    obj: Manifest,
    pods: list[Manifest],
    events: list[Manifest],
    seen: PodCauses | None = None,
    queue: str = "",
) -> ObjectState:
    """The state of a Job or a RayJob; `seen` holds what pods said at earlier looks, `queue` what Kueue says."""
    if obj["metadata"].get("deletionTimestamp"):
        return ObjectState(
            "failed", "deleted", f"{obj['kind']} {obj['metadata']['name']} is being deleted by someone else."
        )
    told = most_telling((seen or {}) | pod_causes(pods))
    if obj["kind"] == "RayJob":
        return _rayjob(obj, pods, events, told, queue)
    return _job(obj, pods, events, told, queue)


def _job(
    obj: Manifest, pods: list[Manifest], events: list[Manifest], told: Told | None, queue: str
) -> ObjectState:
    conditions = {
        c["type"]: c for c in obj.get("status", {}).get("conditions") or [] if c.get("status") == "True"
    }
    if "Complete" in conditions:
        return ObjectState("succeeded")
    if "Failed" in conditions:
        reason, message = conditions["Failed"].get("reason", ""), conditions["Failed"].get("message", "")
        if reason == "PodFailurePolicy" and not is_disruption(told):
            told = "evicted", "the pod was disrupted"  # the one rule that our Jobs have (see `jobs.job`)
        return _failure(reason, message, told)
    # the one stands some milliseconds before Complete, the other until the pods have ended before Failed
    if "SuccessCriteriaMet" in conditions or "FailureTarget" in conditions:
        return ObjectState("running", message="finishing")
    if obj["spec"].get("suspend") or "Suspended" in conditions:
        return ObjectState("suspended", "queue", _waits(obj, queue))
    return pods_state(pods, events)


def _rayjob(
    obj: Manifest, pods: list[Manifest], events: list[Manifest], told: Told | None, queue: str
) -> ObjectState:
    status = obj.get("status") or {}
    deployment, job = status.get("jobDeploymentStatus", ""), status.get("jobStatus", "")
    reason, message = status.get("reason", ""), status.get("message", "")
    if deployment == "Complete" and job == "SUCCEEDED":
        return ObjectState("succeeded")
    if deployment in ("Complete", "Failed", "ValidationFailed"):
        if deployment == "ValidationFailed":
            return ObjectState("failed", "admission", f"KubeRay refused the RayJob: {message or reason}")
        if told is not None and told[0] == "deleted":  # KubeRay itself deletes the pods of a failed job
            told = None
        if not is_disruption(told):  # KubeRay's reason is the same whether the job failed or lost a pod
            told = last_event(events) or told
        if reason == "SubmissionFailed" and told is None:
            return ObjectState("failed", "submission", f"KubeRay could not submit the job: {message}")
        return _failure(reason or f"job {job}", message, told)
    if deployment in ("Suspended", "Suspending") or obj["spec"].get("suspend"):
        return ObjectState("suspended", "queue", _waits(obj, queue))
    if job == "RUNNING":
        return running(pods, events)
    state = pods_state(pods, events)
    if state == ObjectState("running"):  # the pods run, the job does not yet
        return ObjectState("pending", message="Ray is starting")
    return state


def _waits(obj: Manifest, said: str) -> str:
    queue = obj["metadata"].get("labels", {}).get("kueue.x-k8s.io/queue-name", "")
    return (
        f"waiting in queue {queue}. {said}".strip()
        if queue
        else f"by hand or by a controller. {said}".strip()
    )


def _failure(reason: str, message: str, told: Told | None) -> ObjectState:
    """A finished failure: the pods know more than the controller, except about the deadline."""
    if "DeadlineExceeded" in reason:
        return ObjectState("failed", "deadline", f"{reason}: {message}")
    if told is None:
        return ObjectState("failed", "unknown", f"{reason}: {message}")
    return ObjectState("failed", told[0], f"{told[1]} ({reason}: {message})")
