"""Is everything there that a recipe needs on the cluster? Asked before anything is submitted, answered all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from verif.audit.recipe_checks import recipe_checks
from verif.cluster.client import Kube
from verif.cluster.cluster_checks import check_cluster, check_images
from verif.cluster.config import Cluster, load_cluster
from verif.cluster.project_checks import (
    check_data,
    check_pushed,
    check_remote,
    check_tracked,
    check_tree,
)
from verif.errors import ClusterError
from verif.project import Overrides
from verif.recipe import Recipe
from verif.system.check import Check, failures


def examine(
    root: Path,
    recipe: Recipe,
    cluster_file: Path,
    *,
    base: Path | None = None,
    overrides: Overrides | None = None,
) -> list[Check]:
    """Everything, looked at before anything is submitted, so that all that is missing can be said at once.

    `root` holds the commit, the parameters and the data of the run. People work in `base`: in `root` itself, or in the
    directory that it was cloned from.
    """
    remote = check_remote(root)
    findings = [check_tree(base or root, recipe, overrides or {}), remote, *recipe_checks(recipe, root)]
    try:
        findings += check_data(root, recipe)
        if remote.ok:
            findings.append(check_tracked(root))
    except ClusterError as error:
        findings.append(Check("data", False, error.message, error.hint))
    try:
        cluster = load_cluster(cluster_file)
        findings += [check_pushed(root, cluster.repository), check_images(recipe, cluster)]
        findings += asyncio.run(_ask(recipe, cluster))
    except ClusterError as error:
        findings.append(Check("cluster", False, error.message, error.hint))
    return findings


async def _ask(recipe: Recipe, cluster: Cluster) -> list[Check]:
    async with Kube.connected(cluster, patience_s=10) as kube:
        return await check_cluster(kube, recipe, cluster)


def require(checks: Sequence[Check]) -> None:
    """One error that names each check that failed, with what to do about it."""
    if said := failures(checks):
        failed = sum(not check.ok for check in checks)
        raise ClusterError(f"nothing was submitted, {failed} of {len(checks)} checks failed. {said}")
