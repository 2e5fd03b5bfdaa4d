"""A stage over several nodes: a KubeRay RayJob.

HTTPMode has no submitter pod that could retry by itself and re-create the cluster (kuberay #2376, #1902,
#2192); retries are the flow's business. The cluster ends with the job.
"""

from __future__ import annotations

from verif.cluster.config import Cluster
from verif.cluster.jobs import COMMAND, QUEUE_LABEL
from verif.cluster.pod_spec import Manifest, owner_references, pod_spec
from verif.cluster.request import StageRequest


def rayjob(request: StageRequest, cluster: Cluster, owner: Manifest | None = None) -> Manifest:
    """The RayJob manifest: a head and `nodes - 1` workers, each with the stage's GPUs."""
    nodes = request.resources.nodes
    labels = request.labels | ({QUEUE_LABEL: cluster.queue} if cluster.queue else {})
    gpus = {"num-gpus": str(request.resources.gpus)} if request.resources.gpus else {}

    def template(name: str) -> Manifest:
        return {
            "metadata": {"labels": request.labels},
            "spec": pod_spec(request, cluster, name, None) | {"restartPolicy": "Never"},
        }

    cluster_spec: Manifest = {
        "rayVersion": cluster.ray_version,
        # The operator makes a token, a secret of this cluster, and gives it to head, workers and its own submission.
        "authOptions": {"mode": "token"},
        "headGroupSpec": {
            "rayStartParams": {"dashboard-host": "0.0.0.0"} | gpus,  # noqa: S104
            "template": template("ray-head"),
        },
    }
    if nodes > 1:
        cluster_spec["workerGroupSpecs"] = [
            {
                "groupName": "workers",
                "replicas": nodes - 1,
                "minReplicas": nodes - 1,
                "maxReplicas": nodes - 1,
                "rayStartParams": gpus,
                "template": template("ray-worker"),
            }
        ]
    spec: Manifest = {
        "submissionMode": "HTTPMode",
        "entrypoint": " ".join(COMMAND),
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": min(cluster.ttl_s, 600),
        "activeDeadlineSeconds": int(request.resources.deadline_h * 3600),
        "backoffLimit": 0,
        "rayClusterSpec": cluster_spec,
    }
    if cluster.queue:
        spec["suspend"] = True
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": request.name, "namespace": cluster.namespace, "labels": labels}
        | owner_references(owner),
        "spec": spec,
    }
