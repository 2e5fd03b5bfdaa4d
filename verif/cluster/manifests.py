"""Which kind of object runs a stage. Imports no client: rendering must be quick."""

from __future__ import annotations

from verif.cluster.config import Cluster
from verif.cluster.jobs import job
from verif.cluster.pod_spec import Manifest
from verif.cluster.rayjobs import rayjob
from verif.cluster.request import StageRequest


def manifest(request: StageRequest, cluster: Cluster) -> Manifest:
    """A Job on one node, a RayJob over several."""
    return rayjob(request, cluster) if request.resources.nodes > 1 else job(request, cluster)
