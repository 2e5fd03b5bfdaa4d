"""What verif must know about a cluster: one typed file, `infra/cluster.yaml`, shared by all recipes.

Secrets are named, never held. Images are referred to by digest (`verif images build --push` writes them).
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from verif.errors import ClusterError
from verif.system.disclosure.masking import passwords

Role = Literal["orchestrator", "verifier", "trainer", "cpu"]
BY_DIGEST = re.compile(r"^[\w.\-/:]+@sha256:[0-9a-f]{64}$")
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Toleration(_Section):
    """A taint that pods of GPU stages accept."""

    key: str
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str = ""
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] = "NoSchedule"


class Destination(_Section):
    """Addresses outside the cluster, and the TCP ports there."""

    cidr: str
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field((443,), min_length=1)

    @field_validator("cidr")
    @classmethod
    def _network(cls, cidr: str) -> str:
        return str(ip_network(cidr))


class Egress(_Section):
    """Where stages and judges may connect to, besides DNS, MLflow in the namespace and their verifier."""

    remote: tuple[Destination, ...] = Field(
        (), description="DVC's store, git, MLflow outside: for all stages"
    )
    hub: tuple[Destination, ...] = Field((), description="the model hub or its mirror: for who downloads")


class Cluster(_Section):
    """Where and how stages run on Kubernetes."""

    context: str = Field("", description="kubeconfig context that must be current; empty accepts any")
    namespace: Name = "verif"
    repository: str = Field(description="git URL that pods clone")
    images: dict[Role, str] = Field(description="image references by digest")
    remote_secret: Name = Field(
        "verif-remote", description="environment for the DVC remote and git (GIT_CONFIG_...)"
    )
    tracking_secret: Name = Field(
        "verif-tracking", description="environment for MLflow (MLFLOW_TRACKING_...)"
    )
    hub_secret: Name = Field("verif-hub", description="environment for the model hub (HF_TOKEN)")
    verifier_secret: Name = Field("verif-verifier", description="environment with VERIF_VERIFIER_TOKEN")
    pull_secrets: tuple[Name, ...] = Field((), description="registry credentials (imagePullSecrets)")
    service_account: Name = "verif-stage"
    orchestrator_account: Name = Field("verif-orchestrator", description="the account that submits stages")
    egress: Egress | None = Field(None, description="what stages and judges may reach; empty narrows little")
    queue: str = Field("", description="Kueue LocalQueue; empty submits without Kueue")
    priority_class: str = ""
    gpu_resource: str = "nvidia.com/gpu"
    gpu_label: str = Field("nvidia.com/gpu.product", description="node label that holds the GPU type")
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = (Toleration(key="nvidia.com/gpu"),)
    checkpoints_claim: Name = Field("verif-checkpoints", description="ReadWriteMany claim for checkpoints")
    shared_memory_gb: int = Field(32, ge=1)
    scratch_gb: int = Field(200, ge=1)
    ttl_s: int = Field(86400, ge=60)
    ray_version: str = "2.55.0"

    @field_validator("images")
    @classmethod
    def _by_digest(cls, images: dict[Role, str]) -> dict[Role, str]:
        for role, reference in images.items():
            if not BY_DIGEST.match(reference):
                raise ValueError(
                    f"image {role}: {reference!r} is not a reference by digest (name@sha256:...)"
                )
        return images

    @field_validator("repository")
    @classmethod
    def _without_password(cls, repository: str) -> str:
        """It stands in every pod's environment, for all to read who may look at pods."""
        if passwords(repository):
            raise ValueError("holds a password; put it into remote_secret (docs/gpu.md, 1)")
        return repository

    def image(self, role: Role) -> str:
        """The reference of a role's image; a missing one is an error that says how to get it."""
        if role not in self.images:
            raise ClusterError(
                f"no image for {role!r} in the cluster file.", "Run `verif images build --push`."
            )
        return self.images[role]


def load_cluster(path: Path) -> Cluster:
    """The cluster file; a wrong key or value names the file and the key."""
    if not path.is_file():
        raise ClusterError(f"{path} does not exist.", "Copy infra/cluster.example.yaml there and fill it in.")
    try:
        return Cluster.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise ClusterError(f"{path} is not valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ClusterError(f"{path}: {'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from None
