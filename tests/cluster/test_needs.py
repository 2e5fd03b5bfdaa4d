"""Each stage gets the secrets that it needs and reaches what it must; the rest is closed."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes import kubernetes_errors

from verif.cluster.config import Cluster, load_cluster
from verif.cluster.egress import stage_policies
from verif.cluster.manifests import manifest
from verif.cluster.request import StageRequest
from verif.cluster.verifier import verifier
from verif.errors import ClusterError
from verif.recipe import Recipe, load_recipe

ALL = {"remote", "tracking"}
NEEDS = {
    "policy": {"hub"},
    "judge": {"hub"},
    "verifier": {"token"},
    "train": {"token"},
    "evaluate": {"token", "hub"},
}


def pods(made: dict[str, Any]) -> list[dict[str, Any]]:
    if made["kind"] != "RayJob":
        return [made["spec"]["template"]]
    cluster = made["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"]["template"], *(g["template"] for g in cluster["workerGroupSpecs"])]


def secrets(pod: dict[str, Any]) -> set[str]:
    names = {
        source["secretRef"]["name"] for c in pod["spec"]["containers"] for source in c.get("envFrom", [])
    }
    return {{"verif-verifier": "token"}.get(name, name.removeprefix("verif-")) for name in names}


@pytest.mark.parametrize("stage", NEEDS)
@pytest.mark.parametrize("name", ["tulu3-8b", "qwen-multi-node"])
def test_each_stage_has_its_own_secrets_and_no_token_of_the_cluster(
    name: str, stage: str, cluster: Cluster, root: Path
) -> None:
    recipe = load_recipe(name, root / "recipes")
    for pod in pods(manifest(StageRequest(recipe, stage, "a" * 40), cluster)):
        assert secrets(pod) == ALL | NEEDS[stage]
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_a_stage_without_a_hub_or_a_verifier_on_the_cluster_has_neither_secret(
    cluster: Cluster, recipe: Recipe, root: Path
) -> None:
    local = load_recipe("local", root / "recipes")
    for stage in NEEDS:
        (pod,) = pods(manifest(StageRequest(local, stage, "a" * 40), cluster))
        assert secrets(pod) == ALL, stage
    (pod,) = pods(manifest(StageRequest(recipe, "train", "a" * 40), cluster))
    assert secrets(pod) == ALL, "this verifier starts in the pod"
    evaluate = recipe.evaluate.model_copy(update={"general_tasks": ("arc",)})
    asks = recipe.model_copy(update={"evaluate": evaluate})
    (pod,) = pods(manifest(StageRequest(asks, "evaluate", "a" * 40), cluster))
    assert secrets(pod) == ALL | {"hub"}, "lm-eval's tasks come from the hub"


def test_the_service_has_its_token_and_the_judge_the_hubs(cluster: Cluster, root: Path) -> None:
    made = verifier(load_recipe("tulu3-8b", root / "recipes"), cluster)
    found = {m["metadata"]["labels"]["app.kubernetes.io/component"]: secrets(m["spec"]["template"])
             for m in made if m["kind"] == "Deployment"}  # fmt: skip
    assert found == {"verifier": {"token"}, "judge": {"hub"}}


def holds(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    assert all(e["operator"] == "Exists" for e in expressions)
    wanted = selector.get("matchLabels", {}).items()
    return wanted <= labels.items() and all(e["key"] in labels for e in expressions)


def reaches(policies: list[dict[str, Any]], labels: dict[str, str], target: Any, port: int) -> bool:
    """Whether a pod may open this connection. `target`: labels of a pod here, a namespace, or an address."""
    mine = [p["spec"] for p in policies
            if "Egress" in p["spec"]["policyTypes"] and holds(p["spec"]["podSelector"], labels)]  # fmt: skip
    if not mine:
        return True  # a pod that no policy selects may go anywhere
    peers = [peer for spec in mine for rule in spec.get("egress", []) for peer in rule["to"]
             if port in [p["port"] for p in rule.get("ports", [{"port": port}])]]  # fmt: skip
    for peer in peers:
        if isinstance(target, dict):
            if "podSelector" in peer and holds(peer["podSelector"], target):
                return True
        elif "ipBlock" in peer and target[0].isdigit():
            block, address = peer["ipBlock"], ip_address(target)
            outside = [ip_network(cidr) for cidr in block.get("except", [])]
            if address in ip_network(block["cidr"]) and not any(address in network for network in outside):
                return True
        elif (
            peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            == target
        ):
            return True
    return False


STORE, HUB, METADATA, API, OTHER = "203.0.113.7", "198.51.100.7", "169.254.169.254", "10.96.0.1", "192.0.2.1"


@pytest.fixture
def closed(root: Path) -> list[dict[str, Any]]:
    """The policies of the base alone."""
    return list(yaml.safe_load_all((root / "infra/k8s/base/network.yaml").read_text()))


def test_without_the_policies_of_the_cluster_file_every_way_out_is_closed(
    closed: list[dict[str, Any]], root: Path, cluster: Cluster
) -> None:
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    judge = next(m["metadata"]["labels"] for m in verifier(recipe, cluster)
                 if m["metadata"]["labels"]["app.kubernetes.io/component"] == "judge")  # fmt: skip
    for labels in (judge, *(StageRequest(recipe, stage, "a" * 40).labels for stage in NEEDS)):
        for target in (STORE, METADATA, API, "kube-system", judge):
            assert not reaches(closed, labels, target, 443)


def test_pods_reach_what_they_need_and_nothing_else(closed: list[dict[str, Any]], root: Path) -> None:
    cluster = load_cluster(root / "infra/cluster.example.yaml")
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    service = verifier(recipe, cluster)
    policies = [*closed, *stage_policies(cluster), *(m for m in service if m["kind"] == "NetworkPolicy")]
    assert kubernetes_errors(policies) == []
    parts = {m["metadata"]["labels"]["app.kubernetes.io/component"]: m["metadata"]["labels"]
             for m in service if m["kind"] == "Deployment"}  # fmt: skip
    stages = {
        stage: StageRequest(recipe, stage, "a" * 40, verifier="v" if "token" in NEEDS[stage] else "").labels
        for stage in NEEDS
    }
    mlflow, worker = {"app.kubernetes.io/name": "mlflow"}, {"app.kubernetes.io/name": "prefect-worker"}
    targets = {
        "dns": ("kube-system", 53), "store": (STORE, 443), "git": (STORE, 22), "hub": (HUB, 443), "mlflow": (mlflow, 5000),
        "service": (parts["verifier"], 8600), "judge": (parts["judge"], 8000), "train": (stages["train"], 8265),
        "policy": (stages["policy"], 8265), "worker": (worker, 8080), "metadata": (METADATA, 443), "api": (API, 443),
        "elsewhere": (OTHER, 443), "store's shell": (STORE, 2222), "metadata's http": (METADATA, 80),
    }  # fmt: skip

    def what(labels: dict[str, str]) -> set[str]:
        return {name for name, (target, port) in targets.items() if reaches(policies, labels, target, port)}

    every = {"dns", "store", "git", "mlflow"}
    assert what(stages["policy"]) == what(stages["judge"]) == every | {"hub"}
    assert what(stages["train"]) == every | {"service", "train"}, "its own nodes"
    assert what(stages["verifier"]) == every | {"service"}
    assert what(stages["evaluate"]) == every | {"service", "hub"}, "lm-eval's tasks come from the hub"
    assert what(parts["judge"]) == {"dns", "hub"}
    assert what(parts["verifier"]) == {"dns", "judge"}


def test_a_cluster_file_that_names_no_networks_still_keeps_pods_from_the_clouds_credentials(
    cluster: Cluster, recipe: Recipe
) -> None:
    policies, train = stage_policies(cluster), StageRequest(recipe, "train", "a" * 40).labels
    assert kubernetes_errors(policies) == []
    assert reaches(policies, train, OTHER, 443)
    assert not reaches(policies, train, METADATA, 443)
    assert not reaches(policies, train, OTHER, 8080)


def test_a_wrong_network_and_a_password_in_the_repository_are_named(tmp_path: Path, root: Path) -> None:
    path, example = (
        tmp_path / "cluster.yaml",
        yaml.safe_load((root / "infra/cluster.example.yaml").read_text()),
    )
    path.write_text(yaml.safe_dump(example | {"egress": {"hub": [{"cidr": "10.0.0.0/33"}]}}))
    with pytest.raises(ClusterError, match=r"egress\.hub\.0\.cidr"):
        load_cluster(path)
    path.write_text(yaml.safe_dump(example | {"repository": "https://me:pa/ss@git.example/x.git"}))
    with pytest.raises(ClusterError, match=r"repository: .*holds a password") as caught:
        load_cluster(path)
    assert "pa/ss" not in str(caught.value)
