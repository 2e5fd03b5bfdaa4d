"""Everything a recipe would put on the cluster, as manifests: what `verif cluster render` prints."""

from __future__ import annotations

from typing import Any

from verif.cluster.config import Cluster
from verif.cluster.manifests import manifest
from verif.cluster.pod_spec import Manifest
from verif.cluster.request import ASKS_VERIFIER, StageRequest, goes_to_cluster
from verif.cluster.verifier import name_of, verifier
from verif.data.pin import unpinned
from verif.errors import RecipeError
from verif.recipe import Recipe

CLUSTER_STAGES = ("policy", "judge", "verifier", "train", "evaluate")

__all__ = ["ASKS_VERIFIER", "CLUSTER_STAGES", "render", "require_pinned"]


def require_pinned(recipe: Recipe) -> None:
    """Refuse an unpinned recipe, naming the command that pins it."""
    loose = unpinned(recipe)
    if loose:
        raise RecipeError(
            f"recipe {recipe.name!r} is not pinned: {', '.join(loose)}.",
            f"Run `verif recipe pin {recipe.name}`.",
        )


def render(
    recipe: Recipe, cluster: Cluster, commit: str, overrides: dict[str, Any] | None = None
) -> list[Manifest]:
    """The verifier (when its stage runs on the cluster) and one Job or RayJob per stage that does."""
    out: list[Manifest] = []
    on_cluster = [stage for stage in CLUSTER_STAGES if goes_to_cluster(recipe, stage)]
    name = ""
    if "verifier" in on_cluster:
        out += verifier(recipe, cluster)
        name = name_of(recipe, cluster)
    for stage in on_cluster:
        user = name if stage in ASKS_VERIFIER else ""
        request = StageRequest(recipe, stage, commit, overrides or {}, verifier=user)
        out.append(manifest(request, cluster))
    return out
