"""A stage on one node: a Kubernetes Job. Retries are the flow's business, so the Job itself never retries."""

from __future__ import annotations

from verif.cluster.config import Cluster
from verif.cluster.pod_spec import Manifest, owner_references, pod_spec
from verif.cluster.request import StageRequest

COMMAND = ["python", "-m", "verif.cluster.inside_pod"]
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def job(request: StageRequest, cluster: Cluster, owner: Manifest | None = None) -> Manifest:
    """The Job manifest. With a Kueue queue it is created suspended, which is how Kueue expects it."""
    labels = request.labels | ({QUEUE_LABEL: cluster.queue} if cluster.queue else {})
    spec: Manifest = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "activeDeadlineSeconds": int(request.resources.deadline_h * 3600),
        "ttlSecondsAfterFinished": cluster.ttl_s,
        # An evicted or preempted pod is the cluster's doing: it must not look like the stage's own failure.
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
            ]
        },
        "template": {
            "metadata": {"labels": request.labels},
            "spec": pod_spec(request, cluster, "stage", COMMAND) | {"restartPolicy": "Never"},
        },
    }
    if cluster.queue:
        spec["suspend"] = True
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": request.name, "namespace": cluster.namespace, "labels": labels}
        | owner_references(owner),
        "spec": spec,
    }
