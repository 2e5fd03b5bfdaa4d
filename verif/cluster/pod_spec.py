"""The pod of a stage: resources, scheduling, volumes and a security context that allows as little as possible.

Pure builders: typed request in, plain dictionary out. GPU counts are strings, as the typed client wants them.
"""

from __future__ import annotations

from typing import Any

from verif.cluster.config import Cluster, Role
from verif.cluster.request import CHECKPOINTS, WORKSPACE, StageRequest

Manifest = dict[str, Any]

SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}


def role_of(request: StageRequest) -> Role:
    """GPU stages run in the trainer image, the others in the CPU one."""
    return "trainer" if request.resources.gpus else "cpu"


def resources(request: StageRequest, cluster: Cluster) -> Manifest:
    """Requests and limits; memory and ephemeral storage are limited, CPU is not (throttling slows data loading)."""
    need = request.resources
    requests = {
        "cpu": str(need.cpus),
        "memory": f"{need.memory_gb}Gi",
        "ephemeral-storage": f"{cluster.scratch_gb}Gi",
    }
    limits = {"memory": f"{need.memory_gb}Gi", "ephemeral-storage": f"{cluster.scratch_gb}Gi"}
    if need.gpus:
        requests[cluster.gpu_resource] = limits[cluster.gpu_resource] = str(need.gpus)
    return {"requests": requests, "limits": limits}


def scheduling(request: StageRequest, cluster: Cluster) -> Manifest:
    """Node selector, tolerations and priority; only GPU stages ask for GPU nodes."""
    need, out = request.resources, Manifest()
    selector = dict(cluster.node_selector)
    if need.gpus and need.gpu_type:
        selector[cluster.gpu_label] = need.gpu_type
    if selector:
        out["nodeSelector"] = selector
    if need.gpus:
        out["tolerations"] = [
            t.model_dump(exclude={"value"} if not t.value else set()) for t in cluster.tolerations
        ]
    if cluster.priority_class:
        out["priorityClassName"] = cluster.priority_class
    return out


def container(request: StageRequest, cluster: Cluster, name: str, command: list[str] | None) -> Manifest:
    """The stage's container. `command` None keeps the image's own entry point (Ray's head and workers)."""
    environment = request.environment | {
        "VERIF_REPOSITORY": cluster.repository,
        "VERIF_ROLE": role_of(request),
        # The root file system is read-only: everything that wants to write is sent to a volume.
        "HOME": WORKSPACE,
        "TMPDIR": "/tmp",  # noqa: S108
        "DVC_SITE_CACHE_DIR": f"{WORKSPACE}/dvc",
    }
    out: Manifest = {
        "name": name,
        "image": cluster.image(role_of(request)),
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": key, "value": value} for key, value in sorted(environment.items())],
        "envFrom": secrets(request, cluster),
        "resources": resources(request, cluster),
        "securityContext": SECURITY,
        "volumeMounts": [
            {"name": "workspace", "mountPath": WORKSPACE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
            {"name": "checkpoints", "mountPath": CHECKPOINTS},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if command is not None:
        out["command"] = command
    return out


def secrets(request: StageRequest, cluster: Cluster) -> list[Manifest]:
    """The secrets of this stage and no others: its data and records, the hub if it downloads, the verifier if it asks."""
    out: list[Manifest] = [
        {"secretRef": {"name": cluster.remote_secret}},
        {"secretRef": {"name": cluster.tracking_secret}},
    ]
    if request.asks_hub:
        out.append({"secretRef": {"name": cluster.hub_secret, "optional": True}})
    if request.asks_verifier:
        out.append({"secretRef": {"name": cluster.verifier_secret, "optional": True}})
    return out


def volumes(request: StageRequest, cluster: Cluster) -> list[Manifest]:
    """Scratch, shared memory (counted against the pod's memory) and the persistent checkpoints."""
    shm = min(cluster.shared_memory_gb, max(1, request.resources.memory_gb // 2))
    return [
        {"name": "workspace", "emptyDir": {"sizeLimit": f"{cluster.scratch_gb}Gi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": f"{cluster.scratch_gb}Gi"}},  # Ray spills here
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shm}Gi"}},
        {"name": "checkpoints", "persistentVolumeClaim": {"claimName": cluster.checkpoints_claim}},
    ]


def pod_spec(request: StageRequest, cluster: Cluster, name: str, command: list[str] | None) -> Manifest:
    """The whole pod spec of a stage."""
    return {
        "serviceAccountName": cluster.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "terminationGracePeriodSeconds": 120,
        "containers": [container(request, cluster, name, command)],
        "volumes": volumes(request, cluster),
        **pull_secrets(cluster),
        **scheduling(request, cluster),
    }


def pull_secrets(cluster: Cluster) -> Manifest:
    """`imagePullSecrets` of a pod spec; empty for registries that need none."""
    names = [{"name": name} for name in cluster.pull_secrets]
    return {"imagePullSecrets": names} if names else {}


def owner_references(owner: Manifest | None) -> Manifest:
    """`metadata.ownerReferences` of an object that must disappear with `owner`; empty without one."""
    if owner is None:
        return {}
    return {
        "ownerReferences": [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": False,
                "blockOwnerDeletion": False,
            }
        ]
    }
