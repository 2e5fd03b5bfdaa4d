"""Has the cluster what a recipe's manifests name? Rights, kinds, queue, storage, secrets, images and GPU nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, get_args

import aiohttp
from kubernetes_asyncio import client

from verif.cluster.admission import admission_policies
from verif.cluster.calls import told
from verif.cluster.client import KUEUE_VERSIONS, Kube
from verif.cluster.config import Cluster, Role
from verif.cluster.egress import stage_policies
from verif.cluster.manifests import manifest
from verif.cluster.pod_spec import Manifest
from verif.cluster.request import StageRequest, goes_to_cluster
from verif.cluster.verifier import verifier
from verif.recipe import Recipe
from verif.system.check import Check

RIGHTS = [("batch", "jobs"), ("ray.io", "rayjobs"), ("", "pods"), ("", "pods/log"), ("", "events"),
          ("apps", "deployments"), ("", "services"), ("", "configmaps"), ("networking.k8s.io", "networkpolicies"),
          ("policy", "poddisruptionbudgets"), ("", "persistentvolumeclaims"), ("", "serviceaccounts"),
          ("kueue.x-k8s.io", "localqueues"), ("kueue.x-k8s.io", "workloads")]  # fmt: skip
VERBS = {"jobs": ("create", "get", "list", "watch", "delete"), "rayjobs": ("create", "get", "list", "watch", "delete"),
         "pods": ("list",), "pods/log": ("get",), "events": ("list",),
         # A verifier is one Deployment that owns the rest: the cluster deletes what it owns.
         "deployments": ("create", "get", "delete"), "services": ("create",), "configmaps": ("create",),
         "networkpolicies": ("create",), "poddisruptionbudgets": ("create",),
         # What a run names and does not make, for these checks; and why Kueue lets a Job wait.
         "persistentvolumeclaims": ("get",), "serviceaccounts": ("get",),
         "localqueues": ("get",), "workloads": ("list",)}  # fmt: skip
NICE_TO_HAVE = ("persistentvolumeclaims", "serviceaccounts", "localqueues", "workloads")
"""Without these nothing fails; less is checked, and less is said."""
ANSWER_S = 15
VERIFIER = ("deployments", "services", "configmaps", "networkpolicies", "poddisruptionbudgets")
ROLE = "Bind the role verif-orchestrator (infra/k8s/base/rbac.yaml) to this user."
POLICIES = "As an administrator: `verif cluster policies | kubectl apply -f -`."
WORDS = {
    "NetworkPolicy": "network policy",
    "ValidatingAdmissionPolicy": "admission policy",
    "ValidatingAdmissionPolicyBinding": "admission binding",
}
NOT_READ = "may not be read; not checked"


def _manifests(recipe: Recipe, cluster: Cluster) -> list[Manifest]:
    """All that a run of the recipe needs on the cluster, with the name of a role in place of its image."""
    roles = cluster.model_copy(update={"images": {role: role for role in get_args(Role)}})
    stages = [stage for stage in recipe.resources if goes_to_cluster(recipe, stage)]
    out = [manifest(StageRequest(recipe, stage, commit="0" * 40), roles) for stage in stages]
    return out + (verifier(recipe, roles) if "verifier" in stages else [])


def _values(node: Any, key: str) -> Iterator[Any]:
    """Everything that stands under `key`, however deep."""
    if isinstance(node, list):
        for item in node:
            yield from _values(item, key)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            else:
                yield from _values(value, key)


def check_images(recipe: Recipe, cluster: Cluster) -> Check:
    """The cluster file names an image for every role that the manifests need."""
    needed = sorted(set(_values(_manifests(recipe, cluster), "image")))
    lacking = [role for role in needed if role not in cluster.images]
    return Check(
        "images",
        not lacking,
        f"the cluster file names none for {', '.join(lacking)}" if lacking else ", ".join(needed),
        "Run `verif images build --push` and name them by digest.",
    )


async def check_cluster(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Check]:
    """Rights, kinds, queue, storage, secrets, service account and GPU nodes."""
    try:
        return [
            *await _rights(kube, recipe),
            await _rayjobs(kube, recipe),
            await _queue(kube, cluster),
            *await _named(kube, recipe, cluster),
            *await _policies(kube, cluster),
            *await _gpus(kube, recipe, cluster),
        ]
    except (client.ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
        late = isinstance(error, TimeoutError)
        words = f"no answer within {ANSWER_S} s" if late else told(error)
        if isinstance(error, client.ApiException):
            words = f"{error.status} {words}"
        place = kube.api.configuration.host
        return [Check("API server", False, f"{place}: {words}", "Check the kubeconfig and the network.")]


def _needs_ray(recipe: Recipe) -> bool:
    return any(r.nodes > 1 for r in recipe.resources.values())


async def _rights(kube: Kube, recipe: Recipe) -> list[Check]:
    api, missing = client.AuthorizationV1Api(kube.api), []
    for group, resource in RIGHTS:
        if resource == "rayjobs" and not _needs_ray(recipe):
            continue
        if resource in NICE_TO_HAVE:
            continue
        if resource in VERIFIER and not goes_to_cluster(recipe, "verifier"):
            continue
        for verb in VERBS[resource]:
            name, _, part = resource.partition("/")
            attributes = client.V1ResourceAttributes(
                namespace=kube.namespace, verb=verb, group=group, resource=name, subresource=part or None
            )
            body = client.V1SelfSubjectAccessReview(
                spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
            )
            try:
                answer = await api.create_self_subject_access_review(body, _request_timeout=ANSWER_S)
            except client.ApiException as error:
                return [
                    Check(
                        "rights",
                        False,
                        f"cannot ask: {error.status} {error.reason}",
                        "Log in to the cluster.",
                    )
                ]
            if not answer.status.allowed:
                missing.append(f"{verb} {resource}")
    return [Check("rights", not missing, ", ".join(missing), ROLE)]


async def _exists(call: Awaitable[object]) -> bool | None:
    """Whether it is there; None if this user may not look."""
    try:
        await call
    except client.ApiException as error:
        if error.status not in (403, 404):
            raise
        return None if error.status == 403 else False
    return True


async def _rayjobs(kube: Kube, recipe: Recipe) -> Check:
    if not _needs_ray(recipe):
        return Check("RayJob CRD", True, "not needed")
    exists = await _exists(
        kube.custom.list_namespaced_custom_object(
            "ray.io", "v1", kube.namespace, "rayjobs", limit=1, _request_timeout=ANSWER_S
        )
    )
    said = {True: "", False: "rayjobs.ray.io is not served", None: "may not be read"}[exists]
    fix = ROLE if exists is None else "Install the KubeRay operator."
    return Check("RayJob CRD", exists is True, said, fix)


async def _queue(kube: Kube, cluster: Cluster) -> Check:
    if not cluster.queue:
        return Check("Kueue queue", True, "not used")
    exists: bool | None = False
    for version in KUEUE_VERSIONS:
        exists = await _exists(kube.custom.get_namespaced_custom_object(
            "kueue.x-k8s.io", version, kube.namespace, "localqueues", cluster.queue, _request_timeout=ANSWER_S))  # fmt: skip
        if exists is not False:
            break
    said = {True: "", False: " does not exist", None: f": {NOT_READ}"}[exists]
    return Check(
        "Kueue queue",
        exists is not False,
        cluster.queue + said,
        "Create the LocalQueue, or set queue to an empty string.",
    )


async def _named(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Check]:
    """The secrets that the manifests name, the service account and the claim; not all may look at all of them."""
    core = kube.core
    manifests = _manifests(recipe, cluster)
    references = [*_values(manifests, "secretRef"), *_values(manifests, "secretKeyRef")]
    secrets = sorted({r["name"] for r in references if not r.get("optional")})
    apply = "Apply infra/k8s (`kubectl apply -k infra/k8s/overlays/gpu`)."
    wanted: list[tuple[str, str, Callable[..., Awaitable[object]], str]] = [
        *(("secret", name, core.read_namespaced_secret, "Create it (docs/gpu.md, 1).") for name in secrets),
        ("service account", cluster.service_account, core.read_namespaced_service_account, apply),
        ("claim", cluster.checkpoints_claim, core.read_namespaced_persistent_volume_claim, apply),
    ]
    out = []
    for kind, name, read, fix in wanted:
        exists = await _exists(read(name, kube.namespace, _request_timeout=ANSWER_S))
        detail = {True: "", False: "does not exist", None: NOT_READ}[exists]
        out.append(Check(f"{kind} {name}", exists is not False, detail, fix))
    return out


async def _policies(kube: Kube, cluster: Cluster) -> list[Check]:
    """What an administrator applies; the orchestrator's own account may look at neither kind."""
    admission, out = ("admissionregistration.k8s.io", "v1"), []
    for made in [*stage_policies(cluster), *admission_policies(cluster)]:
        kind, name = made["kind"], made["metadata"]["name"]
        if kind == "NetworkPolicy":
            place = ("networking.k8s.io", "v1", kube.namespace, "networkpolicies")
            asked = kube.custom.get_namespaced_custom_object(*place, name, _request_timeout=15)
        else:
            plural = f"{kind.lower()}s" if kind.endswith("Binding") else "validatingadmissionpolicies"
            asked = kube.custom.get_cluster_custom_object(*admission, plural, name, _request_timeout=15)
        exists = await _exists(asked)
        detail = {True: "", False: "does not exist", None: NOT_READ}[exists]
        out.append(Check(f"{WORDS[kind]} {name}", exists is not False, detail, POLICIES))
    if cluster.egress is None:
        out.append(
            Check("egress", True, "the cluster file names no networks: stages reach almost any address")
        )
    return out


async def _gpus(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Check]:
    wanted = {
        (r.gpus, r.gpu_type, r.nodes)
        for r in recipe.resources.values()
        if r.executor == "kubernetes" and r.gpus
    }
    if not wanted:
        return [Check("GPU nodes", True, "not needed")]
    try:
        nodes = (await kube.core.list_node(_request_timeout=ANSWER_S)).items
    except client.ApiException as error:
        return [Check("GPU nodes", True, f"nodes may not be listed ({error.status}); not checked")]
    out = []
    for gpus, kind, count in sorted(wanted):
        fitting = [
            n
            for n in nodes
            if int((n.status.allocatable or {}).get(cluster.gpu_resource, "0")) >= gpus
            and (not kind or (n.metadata.labels or {}).get(cluster.gpu_label) == kind)
        ]
        what = f"{count} node(s) with {gpus} x {kind or 'any GPU'}"
        out.append(
            Check(
                what,
                len(fitting) >= count,
                f"{len(fitting)} found",
                "Ask for less in the recipe's resources, or add nodes.",
            )
        )
    return out
