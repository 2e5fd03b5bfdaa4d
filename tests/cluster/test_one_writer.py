"""The verifier on a cluster: one cache, one set of counters, and no drain that waits for it for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.cluster.config import Cluster
from verif.cluster.verifier import name_of, verifier
from verif.recipe import load_recipe


@pytest.mark.parametrize("name", ["tulu3-8b", "qwen-multi-node"])
def test_the_same_bytes_meet_one_cache(cluster: Cluster, root: Path, name: str) -> None:
    """Two replicas with a cache each may give them two verdicts, and a client that asks for counters one of two."""
    recipe = load_recipe(name, root / "recipes")
    made = {(m["kind"], m["metadata"]["name"]): m for m in verifier(recipe, cluster)}
    service = name_of(recipe, cluster)
    assert made["Deployment", service]["spec"]["replicas"] == 1
    budget = made["PodDisruptionBudget", service]["spec"]
    assert "minAvailable" not in budget, "with one replica no node could ever be drained"
    assert budget["maxUnavailable"] == 1
