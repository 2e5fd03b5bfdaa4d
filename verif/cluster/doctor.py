"""Is everything there that a recipe needs on the cluster? Asked before anything is submitted, answered all at once.

Each check returns a `Finding`; a failed one says what to do. The checks on git and DVC need no cluster.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, get_args

import aiohttp
import yaml
from kubernetes_asyncio import client

from verif.benchmarks.pin import unpinned
from verif.cluster import transport
from verif.cluster.client import Kube
from verif.cluster.config import Cluster, Role, load_cluster
from verif.cluster.manifests import manifest
from verif.cluster.pods import Manifest
from verif.cluster.request import StageRequest, goes_to_cluster
from verif.cluster.verifier import verifier
from verif.errors import ClusterError, VerifError
from verif.overrides import Overrides, merged
from verif.parameters import read_parameters
from verif.planning.labels import FIX, labels
from verif.recipe import Recipe, VerInstructData

RIGHTS = [("batch", "jobs"), ("ray.io", "rayjobs"), ("", "pods"), ("", "pods/log"), ("", "events"),
          ("apps", "deployments"), ("", "services"), ("", "configmaps"), ("networking.k8s.io", "networkpolicies"),
          ("policy", "poddisruptionbudgets")]  # fmt: skip
VERBS = {"jobs": ("create", "get", "list", "watch", "delete"), "rayjobs": ("create", "get", "list", "watch", "delete"),
         "pods": ("list",), "pods/log": ("get",), "events": ("list",),
         # A verifier is one Deployment that owns the rest: the cluster deletes what it owns.
         "deployments": ("create", "get", "delete"), "services": ("create",), "configmaps": ("create",),
         "networkpolicies": ("create",), "poddisruptionbudgets": ("create",)}  # fmt: skip
VERIFIER = ("deployments", "services", "configmaps", "networkpolicies", "poddisruptionbudgets")
GIT_TIMEOUT_S = 120.0
ROLE = "Bind the role verif-orchestrator (infra/k8s/base/rbac.yaml) to this user."
NOT_READ = "may not be read; not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    detail: str = ""
    fix: str = ""


def examine(
    root: Path,
    recipe: Recipe,
    cluster_file: Path,
    *,
    base: Path | None = None,
    overrides: Overrides | None = None,
) -> list[Finding]:
    """Everything, looked at before anything is submitted, so that all that is missing can be said at once.

    `root` holds the commit, the parameters and the data of the run. People work in `base`: in `root` itself, or in the
    directory that it was cloned from.
    """
    remote = check_remote(root)
    findings = [check_tree(base or root, recipe, overrides or {}), remote, check_recipe(recipe)]
    findings += check_labels(recipe, root)
    try:
        findings += check_data(root, recipe)
        if remote.ok:
            findings.append(check_tracked(root))
    except ClusterError as error:
        findings.append(Finding("data", False, error.message, error.hint))
    try:
        cluster = load_cluster(cluster_file)
        findings += [check_pushed(root, cluster.repository), check_images(recipe, cluster)]
        findings += asyncio.run(_ask(recipe, cluster))
    except ClusterError as error:
        findings.append(Finding("cluster", False, error.message, error.hint))
    return findings


def require(findings: Sequence[Finding]) -> None:
    """One error that names each check that failed, with what to do about it."""
    bad = [f for f in findings if not f.ok]
    if bad:
        told = " ".join(f"{f.what}: {f.detail.rstrip('.') or 'missing'}. {f.fix}" for f in bad)
        raise ClusterError(f"nothing was submitted, {len(bad)} of {len(findings)} checks failed. {told}")


async def _ask(recipe: Recipe, cluster: Cluster) -> list[Finding]:
    async with Kube.connected(cluster, patience_s=10) as kube:
        return await check_cluster(kube, recipe, cluster)


def _git(root: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output (of a failure: its last words). Never asks for a password: nobody may be there."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, env=quiet | os.environ, capture_output=True, text=True, check=False,
            timeout=GIT_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {GIT_TIMEOUT_S:.0f} s"
    words = done.stderr.strip().splitlines() or ["no message"]
    return done.returncode, done.stdout.rstrip() if done.returncode == 0 else words[-1]


def check_tree(base: Path, recipe: Recipe, overrides: Overrides) -> Finding:
    """No change by hand: pods clone the commit. The choice of recipe and the overrides reach them beside it."""
    code, listed = _git(base, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
    if code != 0:
        return Finding("working tree", False, listed, "Work in a git repository: pods clone a commit.")
    paths = [entry[3:] for entry in listed.split("\0") if entry]
    # dvc.lock is what this machine made; pods restore results from the run-cache, not from the lock.
    changed = [p for p in paths if p != "dvc.lock" and not _ours(base, p, recipe, overrides)]
    shown = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if len(changed) > 8 else "")
    return Finding(
        "working tree",
        not changed,
        f"uncommitted in {base}: {shown}" if changed else "clean",
        "Commit or discard these files.",
    )


def _ours(base: Path, path: str, recipe: Recipe, overrides: Overrides) -> bool:
    """Whether a changed file holds nothing but what verif wrote into it: the parameters, or the overridden recipe."""
    try:
        if path == "params.yaml":
            return bool(read_parameters(base))
        if path != f"recipes/{recipe.name}.yaml" or not overrides:
            return False
        code, committed = _git(base, "show", f"HEAD:{path}")
        here = yaml.safe_load((base / path).read_text("utf-8"))
        return code == 0 and bool(here == merged(yaml.safe_load(committed), overrides))
    except (VerifError, OSError, yaml.YAMLError):
        return False


def check_pushed(root: Path, repository: str) -> Finding:
    """The repository that pods clone has this commit on a branch or under a tag."""
    what = "pushed commit"
    if _git(root, "rev-parse", "--verify", "HEAD")[0] != 0:
        return Finding(what, False, f"{root} has no commit", "Commit your work.")
    code, told = _git(root, "ls-remote", "--heads", "--tags", repository)
    if code != 0:
        fix = "Check `repository` in the cluster file and your access to it."
        return Finding(what, False, f"{repository} cannot be read: {told}", fix)
    tips = [line.split("\t")[0] for line in told.splitlines() if not line.endswith("^{}")]
    lacks = ("rev-list", "--ignore-missing", "--max-count=1", "HEAD", "--not", *tips)
    if _git(root, *lacks) != (0, ""):
        # Others may have pushed since: what they did is fetched (no branch here changes), then asked again.
        _git(root, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", repository, *tips)
        if _git(root, *lacks) != (0, ""):
            return Finding(what, False, f"{repository} lacks the commit", "Run `git push`.")
    return Finding(what, True, f"on {repository}")


def check_remote(root: Path) -> Finding:
    """A DVC remote that answers."""
    what = "DVC remote"
    try:
        if not transport.has_remote(root):
            return Finding(what, False, "no default remote", "Run `dvc remote add -d NAME URL`.")
        transport.fetch_run_cache(root)
    except ClusterError as error:
        return Finding(what, False, error.message, error.hint)
    return Finding(what, True)


def check_tracked(root: Path) -> Finding:
    """The remote, which answers, has what `dvc add` tracks."""
    lacking = transport.not_pushed(root)
    return Finding(
        "data on the remote", not lacking, f"lacks {', '.join(lacking)}" if lacking else "", "Run `dvc push`."
    )


def check_data(root: Path, recipe: Recipe) -> list[Finding]:
    """The files that pods read come with the commit, by git or by DVC. Which data this run reads is told to them."""
    wanted = [read_parameters(root)["data"]] if isinstance(recipe.data, VerInstructData) else []
    if goes_to_cluster(recipe, "evaluate"):
        wanted += [b.path for b in recipe.evaluate.benchmarks if b.path and not b.repo]
    tracked = [PurePosixPath(path) for path in transport.tracked(root)]
    absent = []
    for path in map(PurePosixPath, wanted):
        held = any(path == t or t in path.parents or path in t.parents for t in tracked)
        if not held and _git(root, "cat-file", "-e", f"HEAD:./{path}")[0] != 0:
            absent.append(str(path))
    return [
        Finding(
            "data files",
            not absent,
            f"not in the commit: {', '.join(absent)}" if absent else ", ".join(wanted),
            "`git add` or `dvc add` them, and commit.",
        ),
    ]


def check_recipe(recipe: Recipe) -> Finding:
    """Every model and benchmark of the hub is pinned."""
    loose = unpinned(recipe)
    return Finding("pinned models", not loose, ", ".join(loose), f"Run `verif recipe pin {recipe.name}`.")


def check_labels(recipe: Recipe, root: Path) -> list[Finding]:
    """Labelled responses for the judge's audit, where the recipe needs any: without them training refuses at last."""
    found = labels(recipe, root)
    return [Finding("labelled responses", *found, f"Give {FIX}.")] if found else []


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


def check_images(recipe: Recipe, cluster: Cluster) -> Finding:
    """The cluster file names an image for every role that the manifests need."""
    needed = sorted(set(_values(_manifests(recipe, cluster), "image")))
    lacking = [role for role in needed if role not in cluster.images]
    return Finding(
        "images",
        not lacking,
        f"the cluster file names none for {', '.join(lacking)}" if lacking else ", ".join(needed),
        "Run `verif images build --push` and name them by digest.",
    )


async def check_cluster(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Finding]:
    """Rights, kinds, queue, storage, secrets, service account and GPU nodes."""
    try:
        return [
            *await _rights(kube, recipe),
            await _rayjobs(kube, recipe),
            await _queue(kube, cluster),
            *await _named(kube, recipe, cluster),
            *await _gpus(kube, recipe, cluster),
        ]
    except (client.ApiException, aiohttp.ClientError, TimeoutError, OSError) as error:
        told = f"{error.status} {error.reason}" if isinstance(error, client.ApiException) else error
        return [
            Finding(
                "API server",
                False,
                f"{kube.api.configuration.host}: {told}",
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
    return [Finding("rights", not missing, ", ".join(missing), ROLE)]


async def _exists(call: Awaitable[object]) -> bool | None:
    """Whether it is there; None if this user may not look."""
    try:
        await call
    except client.ApiException as error:
        if error.status not in (403, 404):
            raise
        return None if error.status == 403 else False
    return True


async def _rayjobs(kube: Kube, recipe: Recipe) -> Finding:
    if not _needs_ray(recipe):
        return Finding("RayJob CRD", True, "not needed")
    found = await _exists(
        kube.custom.list_namespaced_custom_object(
            "ray.io", "v1", kube.namespace, "rayjobs", limit=1, _request_timeout=15
        )
    )
    told = {True: "", False: "rayjobs.ray.io is not served", None: "may not be read"}[found]
    fix = ROLE if found is None else "Install the KubeRay operator."
    return Finding("RayJob CRD", found is True, told, fix)


async def _queue(kube: Kube, cluster: Cluster) -> Finding:
    if not cluster.queue:
        return Finding("Kueue queue", True, "not used")
    found = await _exists(kube.custom.get_namespaced_custom_object(
        "kueue.x-k8s.io", "v1beta1", kube.namespace, "localqueues", cluster.queue, _request_timeout=15))  # fmt: skip
    told = {True: "", False: " does not exist", None: f": {NOT_READ}"}[found]
    return Finding(
        "Kueue queue",
        found is not False,
        cluster.queue + told,
        "Create the LocalQueue, or set queue to an empty string.",
    )


async def _named(kube: Kube, recipe: Recipe, cluster: Cluster) -> list[Finding]:
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
        found = await _exists(read(name, kube.namespace, _request_timeout=15))
        detail = {True: "", False: "does not exist", None: NOT_READ}[found]
        out.append(Finding(f"{kind} {name}", found is not False, detail, fix))
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
