"""The verifier as a long-lived service on the cluster: a judge (vLLM) and the verifier service in front of it.

Two Deployments, so that judge replicas scale apart from the cheap service. That one has a single replica: its verdict
cache has one writer, so that the same bytes get the same verdict whoever asks, and its counters are a run's. A network
policy lets the service talk to nothing but its judge and DNS, and lets only verif's own stages talk to the service.
Ready means that a real verdict came back (`/ready`), alive means that the process answers (`/health`).
"""

from __future__ import annotations

import yaml

from verif.cluster.config import Cluster
from verif.cluster.network import JUDGE_PORT, disruption_budget, labels_of, network_policies
from verif.cluster.pod_spec import POD_SECURITY, SECURITY, Manifest, pull_secrets
from verif.cluster.request import VERIFIER_PORT
from verif.errors import RecipeError
from verif.recipe import HubModel, Recipe
from verif.system.files import digest
from verif.system.serving import BATCH_INVARIANT

SERVICE_PORT = VERIFIER_PORT


def name_of(recipe: Recipe, cluster: Cluster) -> str:
    """The verifier's name: one per judge, prompting and image, so that a new judge stands beside the old one."""
    content = digest(
        [
            recipe.judge.model_dump(mode="json"),
            recipe.verifier.model_dump(mode="json"),
            cluster.image("verifier"),
        ]
    )
    return f"verif-verifier-{content[:10]}"


def _probe(path: str, port: int, period: int, failures: int, timeout: int = 5) -> Manifest:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }


def _deployment(
    cluster: Cluster, name: str, labels: dict[str, str], replicas: int, pod: Manifest
) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service(cluster: Cluster, name: str, labels: dict[str, str], port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": port, "targetPort": port}]},
    }


def _pod(cluster: Cluster, containers: list[Manifest], volumes: list[Manifest]) -> Manifest:
    return {
        "serviceAccountName": cluster.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "terminationGracePeriodSeconds": 60,
        "containers": containers,
        "volumes": volumes,
        **pull_secrets(cluster),
    }


def service_deployment(recipe: Recipe, cluster: Cluster) -> Manifest:
    """The verifier service's Deployment: one replica (see above). A client waits for the next one if a node is drained."""
    name = name_of(recipe, cluster)
    arguments = [
        "serve",
        "--recipe",
        recipe.name,
        "--host",
        "0.0.0.0",  # noqa: S104
        "--port",
        str(SERVICE_PORT),
        "--state",
        "/cache",
    ]
    if isinstance(recipe.judge, HubModel):
        arguments += ["--judge-url", f"http://{name}-judge:{JUDGE_PORT}/v1"]
    container: Manifest = {
        "name": "verifier",
        "image": cluster.image("verifier"),
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "envFrom": [{"secretRef": {"name": cluster.verifier_secret}}],
        "ports": [{"name": "http", "containerPort": SERVICE_PORT}],
        "resources": {
            "requests": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi"},
            "limits": {"memory": "8Gi", "ephemeral-storage": "20Gi"},
        },
        "securityContext": SECURITY,
        "startupProbe": _probe("/health", SERVICE_PORT, 5, 60),
        "livenessProbe": _probe("/health", SERVICE_PORT, 20, 6),
        "readinessProbe": _probe("/ready", SERVICE_PORT, 15, 3, timeout=30),
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "cache", "mountPath": "/cache"},
            {"name": "recipe", "mountPath": "/app/recipes", "readOnly": True},
        ],
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    volumes = [
        {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
        {"name": "cache", "emptyDir": {"sizeLimit": "16Gi"}},
        {"name": "recipe", "configMap": {"name": name}},
    ]
    return _deployment(cluster, name, labels_of(name, "verifier"), 1, _pod(cluster, [container], volumes))


def judge_deployment(recipe: Recipe, cluster: Cluster, model: HubModel, replicas: int = 1) -> Manifest:
    """The judge's Deployment: vLLM's own OpenAI server, with the stage's GPUs per replica."""
    name = f"{name_of(recipe, cluster)}-judge"
    need, parser = recipe.resources.get("verifier"), recipe.verifier.judge_reasoning_parser
    gpus = str(max(1, need.gpus if need else 1))
    container: Manifest = {
        "name": "vllm",
        "image": cluster.image("trainer"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["vllm", "serve", model.repo],
        "args": [
            "--revision",
            model.revision,
            "--served-model-name",
            "judge",
            "--port",
            str(JUDGE_PORT),
            "--tensor-parallel-size",
            gpus,
            "--enable-prefix-caching",
            *(["--reasoning-parser", parser] if parser else []),
        ],
        "env": [
            {"name": "HOME", "value": "/models"},
            {"name": "HF_HOME", "value": "/models/hub"},
            {"name": BATCH_INVARIANT, "value": "1"},  # a verdict must not depend on who else asks
        ],
        "envFrom": [{"secretRef": {"name": cluster.hub_secret, "optional": True}}],
        "ports": [{"name": "http", "containerPort": JUDGE_PORT}],
        "resources": {
            "requests": {
                "cpu": "8",
                "memory": "64Gi",
                cluster.gpu_resource: gpus,
                "ephemeral-storage": "200Gi",
            },
            "limits": {"memory": "64Gi", cluster.gpu_resource: gpus, "ephemeral-storage": "200Gi"},
        },
        "securityContext": SECURITY,
        "startupProbe": _probe("/health", JUDGE_PORT, 10, 180),
        "livenessProbe": _probe("/health", JUDGE_PORT, 30, 6),
        "readinessProbe": _probe("/v1/models", JUDGE_PORT, 10, 3),
        "volumeMounts": [
            {"name": "models", "mountPath": "/models"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }
    volumes = [
        {"name": "models", "emptyDir": {"sizeLimit": "180Gi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "8Gi"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}},
    ]
    pod = _pod(cluster, [container], volumes)
    if need and need.gpu_type:
        pod["nodeSelector"] = {cluster.gpu_label: need.gpu_type}
    pod["tolerations"] = [
        t.model_dump(exclude={"value"} if not t.value else set()) for t in cluster.tolerations
    ]
    return _deployment(cluster, name, labels_of(name, "judge"), replicas, pod)


def judge_replicas(recipe: Recipe) -> int:
    """How many judges stand behind the service: the nodes that the recipe gives its verifier."""
    need = recipe.resources.get("verifier")
    return need.nodes if need else 1


def recipe_map(recipe: Recipe, cluster: Cluster, name: str) -> Manifest:
    """The recipe with this run's overrides, where the image has its own: the service must be the verifier it means."""
    text = yaml.safe_dump(recipe.model_dump(mode="json", by_alias=True), sort_keys=False)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels_of(name, "verifier")},
        "data": {f"{recipe.name}.yaml": text},
    }


def verifier(recipe: Recipe, cluster: Cluster) -> list[Manifest]:
    """Everything the verifier of a recipe needs on the cluster, in the order it is applied."""
    if recipe.verifier.cascade is not None:
        raise RecipeError(
            "a cascade's small judge has no place on the cluster yet.",
            "Set resources.verifier.executor to local and name both judges by URL, or leave the cascade out.",
        )
    if recipe.verifier.reference is not None and recipe.verifier.reference.served:
        raise RecipeError(
            "a served model of answers has no place on the cluster yet.",
            "Set resources.verifier.executor to local and name it by URL, or take `model: features`.",
        )
    name = name_of(recipe, cluster)
    hub = recipe.judge if isinstance(recipe.judge, HubModel) else None
    out = [recipe_map(recipe, cluster, name), *network_policies(cluster, name, hub is not None)]
    if hub is not None:
        judge_labels = labels_of(f"{name}-judge", "judge")
        out += [
            judge_deployment(recipe, cluster, hub, judge_replicas(recipe)),
            _service(cluster, f"{name}-judge", judge_labels, JUDGE_PORT),
        ]
    labels = labels_of(name, "verifier")
    out += [
        service_deployment(recipe, cluster),
        _service(cluster, name, labels, SERVICE_PORT),
        disruption_budget(cluster, name, labels),
    ]
    return out
