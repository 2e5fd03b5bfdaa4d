"""What holds up pods that have not ended: no pod at all, no node, no image, no volume, or a node that fell silent."""

from __future__ import annotations

import re

from verif.cluster.pod_end import containers, disruption
from verif.cluster.pod_spec import Manifest
from verif.cluster.quota import exceeded
from verif.cluster.state import Cause, ObjectState

IMAGE = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
KUBELET: dict[str, Cause] = {
    "FailedCreatePodSandBox": "sandbox",
    "FailedMount": "volume",
    "FailedAttachVolume": "volume",
    "FailedMapVolume": "volume",
}
"""Events of pods that stay "ContainerCreating"; their status has no words."""
GOES_ON = {"SuccessfulAttachVolume", "Pulling", "Pulled", "Created", "Started"}
NO_CLAIM = re.compile(r"persistentvolumeclaim \"|PersistentVolumeClaim", re.IGNORECASE)
ADMISSION = re.compile(r"admission webhook|denied the request|violates PodSecurity|is forbidden")


def wants_events(pod: Manifest) -> bool:
    """Whether the pod's own events may say more than its status: it does not start, or its node may be silent."""
    phase = pod.get("status", {}).get("phase", "Pending")
    return phase == "Pending" or (phase == "Running" and _not_ready(pod))


def pods_state(pods: list[Manifest], events: list[Manifest]) -> ObjectState:
    """Not finished: what holds the pods up? `events` are those of the owner and of the pods, oldest first."""
    if not pods:
        return refused(next((e for e in reversed(events) if e.get("reason") == "FailedCreate"), {}))
    for pod in pods:
        for container in containers(pod):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason") in IMAGE:
                return ObjectState("pending", "image", f"{waiting['reason']}: {waiting.get('message', '')}")
            if waiting.get("reason") in CONFIG:
                return ObjectState("pending", "config", f"{waiting['reason']}: {waiting.get('message', '')}")
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                words = condition.get("message", "no node fits")
                return ObjectState("pending", "claim" if NO_CLAIM.search(words) else "unschedulable", words)
    for pod in pods:
        if pod.get("status", {}).get("phase", "Pending") == "Pending" and (told := _kubelet(pod, events)):
            return told
    if any(pod.get("status", {}).get("phase") == "Running" for pod in pods):
        return running(pods, events)
    return ObjectState("pending", message="starting")


def refused(said: Manifest) -> ObjectState:
    """No pod: why a controller could not make one, by its event or its condition `ReplicaFailure`."""
    message = said.get("message", "")
    if not message:
        return ObjectState("pending", message="no pod yet")
    if exceeded(message):
        return ObjectState("pending", "quota", message)
    return ObjectState("pending", "admission" if ADMISSION.search(message) else "unknown", message)


def running(pods: list[Manifest], events: list[Manifest]) -> ObjectState:
    """Running, as far as the nodes say: a lost node's pods stay "Running" until the Node object is deleted."""
    for pod in pods:
        told = disruption(pod)
        if told is not None and pod["metadata"].get("deletionTimestamp") and _phase(pod) == "Running":
            return ObjectState("running", told[0], f"{told[1]}; its end is not confirmed yet")
    for pod in pods:
        if _phase(pod) == "Running" and _not_ready(pod) and (said := _silent(pod, events)):
            node = pod.get("spec", {}).get("nodeName", "")
            return ObjectState(
                "running", "node-silent", f"{pod['metadata']['name']}: the node {node} is silent: {said}"
            )
    return ObjectState("running")


def _phase(pod: Manifest) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def _not_ready(pod: Manifest) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] != "True" for c in conditions)


def _about(pod: Manifest, events: list[Manifest]) -> list[Manifest]:
    name = pod["metadata"]["name"]
    return [
        e for e in events if e["involvedObject"].get("kind") == "Pod" and e["involvedObject"]["name"] == name
    ]


def _kubelet(pod: Manifest, events: list[Manifest]) -> ObjectState | None:
    """The kubelet's last trouble with a pod that does not start, unless it went on after that."""
    said: ObjectState | None = None
    for event in _about(pod, events):
        reason = event.get("reason", "")
        if reason in KUBELET:
            said = ObjectState("pending", KUBELET[reason], f"{reason}: {event.get('message', '')}")
        elif reason in GOES_ON:
            said = None
    return said


def _silent(pod: Manifest, events: list[Manifest]) -> str:
    return next((e.get("message", "") or "NodeNotReady" for e in reversed(_about(pod, events))
                 if e.get("reason") == "NodeNotReady"), "")  # fmt: skip
