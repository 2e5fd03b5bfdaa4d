"""Is everything there that a recipe needs on the cluster? Asked before anything is submitted, answered all at once.

Each check returns a `Finding`; a failed one says what to do. The checks on git and DVC need no cluster.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from kubernetes_asyncio import client

from verif.benchmarks.pin import unpinned
from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.errors import ClusterError
from verif.planning.labels import FIX, labels
from verif.recipe import Recipe

RIGHTS = [("batch", "jobs"), ("ray.io", "rayjobs"), ("", "pods"), ("", "events")]
VERBS = {"jobs": ("create", "get", "list", "watch", "delete"), "rayjobs": ("create", "get", "list", "watch", "delete"),
         "pods": ("list",), "events": ("list",)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    detail: str = ""
    fix: str = ""


def _git(root: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.rstrip()


def check_repository(root: Path) -> list[Finding]:
    """A clean tree and a commit that the remote has: pods clone the commit and nothing else."""
    code, _ = _git(root, "rev-parse", "--verify", "HEAD")
    if code != 0:
        return [Finding("git commit", False, f"{root} has no commit", "Commit your work.")]
    _, dirty = _git(root, "status", "--porcelain", "--untracked-files=normal")
    ignored = {
        "dvc.lock"
    }  # what this machine made; pods restore results from the run-cache, not from the lock
    changed = [line[3:] for line in dirty.splitlines() if line[3:] not in ignored]
    shown = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if len(changed) > 8 else "")
    tree = Finding(
        "working tree",
        not changed,
        f"uncommitted: {shown}" if changed else "clean",
        "Commit or discard these files.",
    )
    _, branches = _git(root, "branch", "-r", "--contains", "HEAD")
    pushed = bool(branches.strip())
    push = Finding(
        "pushed commit", pushed, "" if pushed else "no remote branch holds HEAD", "Run `git push`."
    )
    return [tree, push]


def check_remote(root: Path, environment: dict[str, str] | None = None) -> Finding:
    """A DVC remote that answers."""
    from verif.cluster.transport import fetch_run_cache

    done = subprocess.run(
        ["dvc", "remote", "list"], cwd=root, capture_output=True, text=True, check=False, env=environment
    )
    if not done.stdout.strip():
        return Finding("DVC remote", False, "none configured", "Run `dvc remote add -d NAME URL`.")
    try:
        fetch_run_cache(root)
    except ClusterError as error:
        return Finding("DVC remote", False, error.message, error.hint)
    return Finding("DVC remote", True, done.stdout.split()[1])


def check_recipe(recipe: Recipe) -> Finding:
    """Every model and benchmark of the hub is pinned."""
    loose = unpinned(recipe)
    return Finding("pinned models", not loose, ", ".join(loose), f"Run `verif recipe pin {recipe.name}`.")


def check_labels(recipe: Recipe, root: Path) -> list[Finding]:
    """Labelled responses for the judge's audit, where the recipe needs any: without them training refuses at last."""
    found = labels(recipe, root)
    return [Finding("labelled responses", *found, f"Give {FIX}.")] if found else []


def require_submittable(root: Path, recipe: Recipe) -> None:
    """Refuse what a pod could not reproduce: uncommitted changes, an unpushed commit, unpinned models."""
    bad = [f for f in (*check_repository(root), check_recipe(recipe)) if not f.ok]
    if bad:
        raise ClusterError(
            "; ".join(f"{f.what}: {f.detail}" for f in bad) + ".", " ".join(f.fix for f in bad)
        )


async def check_cluster(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Finding]:
    """Rights, kinds, queue, storage, secrets, service account and GPU nodes."""
    try:
        return [
            *await _rights(kube, recipe),
            await _rayjobs(kube, recipe),
            await _queue(kube, cluster),
            *await _named(kube, cluster),
            *await _gpus(kube, recipe, cluster),
        ]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [
            Finding(
                "API server",
                False,
                f"{kube.api.configuration.host}: {error}",
                "Check the kubeconfig and the network.",
            )
        ]


def _needs_ray(recipe: Recipe) -> bool:
    return any(r.nodes > 1 for r in recipe.resources.values())


async def _rights(kube: Kube, recipe: Recipe) -> list[Finding]:
    api, missing = client.AuthorizationV1Api(kube.api), []
    for group, resource in RIGHTS:
        if resource == "rayjobs" and not _needs_ray(recipe):
            continue
        for verb in VERBS[resource]:
            attributes = client.V1ResourceAttributes(
                namespace=kube.namespace, verb=verb, group=group, resource=resource
            )
            body = client.V1SelfSubjectAccessReview(
                spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
            )
            try:
                answer = await api.create_self_subject_access_review(body, _request_timeout=15)
            except client.ApiException as error:
                return [
                    Finding(
                        "rights",
                        False,
                        f"cannot ask: {error.status} {error.reason}",
                        "Log in to the cluster.",
                    )
                ]
            if not answer.status.allowed:
                missing.append(f"{verb} {resource}")
    return [
        Finding(
            "rights",
            not missing,
            ", ".join(missing),
            f"Bind the role verif-orchestrator in {kube.namespace} to this user.",
        )
    ]


async def _exists(call: object) -> bool | None:
    try:
        await call  # type: ignore[misc]
    except client.ApiException as error:
        return False if error.status == 404 else None
    return True


async def _rayjobs(kube: Kube, recipe: Recipe) -> Finding:
    if not _needs_ray(recipe):
        return Finding("RayJob CRD", True, "not needed")
    found = await _exists(
        kube.custom.list_namespaced_custom_object(
            "ray.io", "v1", kube.namespace, "rayjobs", limit=1, _request_timeout=15
        )
    )
    return Finding(
        "RayJob CRD",
        found is True,
        "" if found else "rayjobs.ray.io is not served",
        "Install the KubeRay operator.",
    )


async def _queue(kube: Kube, cluster: Cluster) -> Finding:
    if not cluster.queue:
        return Finding("Kueue queue", True, "not used")
    found = await _exists(kube.custom.get_namespaced_custom_object(
        "kueue.x-k8s.io", "v1beta1", kube.namespace, "localqueues", cluster.queue, _request_timeout=15))  # fmt: skip
    return Finding(
        "Kueue queue", found is True, cluster.queue, "Create the LocalQueue, or set queue to an empty string."
    )


async def _named(kube: Kube, cluster: Cluster) -> list[Finding]:
    core, space = kube.core, kube.namespace
    calls = {
        f"secret {cluster.remote_secret}": core.read_namespaced_secret(
            cluster.remote_secret, space, _request_timeout=15
        ),
        f"service account {cluster.service_account}": core.read_namespaced_service_account(
            cluster.service_account, space, _request_timeout=15
        ),
        f"claim {cluster.checkpoints_claim}": core.read_namespaced_persistent_volume_claim(
            cluster.checkpoints_claim, space, _request_timeout=15
        ),
    }
    out = []
    for what, call in calls.items():
        found = await _exists(call)
        detail = {True: "", False: "does not exist", None: "may not be read"}[found]
        out.append(
            Finding(
                what,
                found is not False,
                detail,
                "Apply infra/k8s (`kubectl apply -k infra/k8s/overlays/gpu`).",
            )
        )
    return out


async def _gpus(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Finding]:
    wanted = {
        (r.gpus, r.gpu_type, r.nodes)
        for r in recipe.resources.values()
        if r.executor == "kubernetes" and r.gpus
    }
    if not wanted:
        return [Finding("GPU nodes", True, "not needed")]
    try:
        nodes = (await kube.core.list_node(_request_timeout=15)).items
    except client.ApiException as error:
        return [Finding("GPU nodes", True, f"nodes may not be listed ({error.status}); not checked")]
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
            Finding(
                what,
                len(fitting) >= count,
                f"{len(fitting)} found",
                "Ask for less in the recipe's resources, or add nodes.",
            )
        )
    return out
